//! The pods: in order of their names, and each found by its name in a step or two, however many
//! there are. Every fact and every turn looks one up.

use std::collections::BTreeMap;
use std::ops::Index;

use serde::{Deserialize, Serialize, Serializer};

use crate::model::PodName;

use super::pod_state::PodState;

/// The pods, by name.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(from = "BTreeMap<PodName, PodState>")]
pub struct Pods {
    /// In order of names.
    sorted: Vec<(PodName, PodState)>,
    /// Where in `sorted` a name may be: from the place that its hash gives, on to the first free one.
    /// A power of two long, and never more than half full.
    places: Vec<Option<u32>>,
}

impl Pods {
    /// The pod of this name.
    pub fn get(&self, name: &PodName) -> Option<&PodState> {
        self.place(name).map(|place| &self.sorted[place].1)
    }

    /// The pod of this name, to change it.
    pub fn get_mut(&mut self, name: &PodName) -> Option<&mut PodState> {
        self.place(name).map(|place| &mut self.sorted[place].1)
    }

    /// True if there is a pod of this name.
    pub fn contains_key(&self, name: &PodName) -> bool {
        self.place(name).is_some()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// All of them, in order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&PodName, &PodState)> {
        self.sorted.iter().map(|(name, pod)| (name, pod))
    }

    /// Their names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &PodName> {
        self.sorted.iter().map(|(name, _)| name)
    }

    /// All of them, in order of names, without these.
    pub fn values(&self) -> impl Iterator<Item = &PodState> {
        self.sorted.iter().map(|(_, pod)| pod)
    }

    /// The same, to change them.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut PodState> {
        self.sorted.iter_mut().map(|(_, pod)| pod)
    }

    /// Adds a pod, or replaces the one of this name.
    pub fn insert(&mut self, name: PodName, pod: PodState) {
        match self.sorted.binary_search_by(|(known, _)| known.cmp(&name)) {
            Ok(place) => self.sorted[place].1 = pod,
            Err(place) => {
                self.sorted.insert(place, (name, pod));
                self.find_places();
            }
        }
    }

    /// Keeps those whose name is wanted.
    pub fn retain(&mut self, wanted: impl Fn(&PodName) -> bool) {
        self.sorted.retain(|(name, _)| wanted(name));
        self.find_places();
    }

    fn place(&self, name: &PodName) -> Option<usize> {
        let mut at = self.first(name)?;
        loop {
            let place = self.places[at]? as usize;
            if self.sorted[place].0 == *name {
                return Some(place);
            }
            at = self.after(at);
        }
    }

    fn find_places(&mut self) {
        self.places = vec![None; if self.sorted.is_empty() { 0 } else { (self.sorted.len() * 2).next_power_of_two() }];
        for place in 0..self.sorted.len() {
            let Some(mut at) = self.first(&self.sorted[place].0) else { continue };
            while self.places[at].is_some() {
                at = self.after(at);
            }
            self.places[at] = u32::try_from(place).ok();
        }
    }

    fn first(&self, name: &PodName) -> Option<usize> {
        let last = self.places.len().checked_sub(1)?;
        Some(name.hash_of_text() as usize & last)
    }

    const fn after(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
    }
}

impl From<BTreeMap<PodName, PodState>> for Pods {
    fn from(pods: BTreeMap<PodName, PodState>) -> Self {
        let mut pods = Self { sorted: pods.into_iter().collect(), places: Vec::new() };
        pods.find_places();
        pods
    }
}

impl Serialize for Pods {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl Index<&PodName> for Pods {
    type Output = PodState;

    fn index(&self, name: &PodName) -> &PodState {
        self.get(name).expect("a pod of this name")
    }
}
