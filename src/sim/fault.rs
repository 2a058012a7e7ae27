//! A fault: a name of the catalogue with its parameters.

use std::fmt;

use super::behaviour::{Behaviour, TransportFault};
use super::catalogue::{Entry, Expected, catalogue};
use super::setting::{SettingError, Settings};

/// A fault of the catalogue with its parameters.
#[derive(Clone, Copy)]
pub struct Fault {
    entry: &'static Entry,
    settings: Settings,
    behaviour: Behaviour,
}

/// No fault has this name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no fault is called {name:?}{}", .nearest.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default())]
pub struct UnknownFault {
    /// What was written.
    pub name: String,
    /// The name that is most like it.
    pub nearest: Option<&'static str>,
}

/// How alike two names must be for a hint (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.8;

impl Fault {
    /// The fault of this name, with the catalogue's parameters.
    pub fn named(name: &str) -> Result<Self, UnknownFault> {
        match catalogue().find(|entry| entry.name == name) {
            Some(entry) => Ok(Self::of(entry)),
            None => Err(UnknownFault { name: name.to_owned(), nearest: nearest(name) }),
        }
    }

    /// The fault of a catalogue entry, with the catalogue's parameters.
    pub fn of(entry: &'static Entry) -> Self {
        Self { entry, settings: Settings::default(), behaviour: entry.behaviour }
    }

    /// Every fault, with the catalogue's parameters.
    pub fn all() -> impl Iterator<Item = Self> {
        catalogue().map(Self::of)
    }

    /// The same fault with other parameters.
    pub fn with(self, settings: Settings) -> Result<Self, SettingError> {
        let behaviour = settings.apply(self.entry.name, self.entry.behaviour)?;
        Ok(Self { settings, behaviour, ..self })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.entry.name
    }

    /// Its entry in the catalogue.
    pub fn entry(&self) -> &'static Entry {
        self.entry
    }

    /// The parameters that were set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it makes the partner do.
    pub fn behaviour(&self) -> Behaviour {
        self.behaviour
    }

    /// How an attempt ends that it hits, with the catalogue's parameters.
    pub fn expected(&self) -> Expected {
        self.entry.expected
    }

    /// What it does before there is a WebSocket, if that is where it strikes.
    pub fn transport(&self) -> Option<TransportFault> {
        match self.behaviour {
            Behaviour::Transport(fault) => Some(fault),
            Behaviour::Session(_) | Behaviour::Call(_) => None,
        }
    }
}

impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        self.entry.name == other.entry.name && self.behaviour == other.behaviour
    }
}

impl Eq for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.entry.name)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.entry.name, self.behaviour)
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    catalogue()
        .map(|entry| (strsim::jaro_winkler(name, entry.name), entry.name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sim::{Group, catalogue};

    #[test]
    fn names_are_unique_kebab_case_and_grouped() {
        let mut names = BTreeSet::new();
        for entry in catalogue() {
            assert!(names.insert(entry.name), "{} twice", entry.name);
            assert!(crate::model::PodName::parse(entry.name).is_ok(), "{}", entry.name);
            assert_eq!(Fault::named(entry.name).expect("in the catalogue"), Fault::of(entry));
        }
        assert!(names.len() >= 45);
        for group in Group::ALL {
            assert!(catalogue().any(|entry| entry.group == group), "{group:?} is empty");
        }
    }

    #[test]
    fn a_misspelt_name_gets_a_hint() {
        let error = Fault::named("parser-demand-padding").expect_err("unknown");
        assert_eq!(
            error.to_string(),
            r#"no fault is called "parser-demand-padding"; did you mean "parser-demands-padding"?"#
        );
        assert_eq!(Fault::named("zzz").expect_err("unknown").to_string(), r#"no fault is called "zzz""#);
    }

    #[test]
    fn parameters_are_checked() {
        let at = |offset| Settings { offset: Some(offset), ..Settings::default() };
        let fault = Fault::named("parser-wrong-at-offset").expect("known");
        assert_ne!(fault.with(at(5)).expect("takes it"), fault);
        assert_eq!(
            Fault::named("upgrade-503").expect("known").with(at(5)).expect_err("takes none").to_string(),
            "upgrade-503 has no parameter `offset`; it has `status`, `retry_after_s`"
        );
        let late = Settings { delay_ms: Some(700_000), ..Settings::default() };
        assert_eq!(
            Fault::named("ready-late").expect("known").with(late).expect_err("too long").to_string(),
            "`delay_ms` of ready-late must be at most 600000"
        );
    }
}
