//! Messages that were handed out and are not settled: how often each was tried. Not journalled;
//! after a restart everything undelivered is handed out anew.

use std::collections::BTreeMap;

use super::DeliveryId;

/// Messages that were handed out and are not settled; at most as many as the outbox holds.
#[derive(Default, Debug)]
pub struct Dispatches(BTreeMap<DeliveryId, Dispatch>);

#[derive(Clone, Copy, Debug)]
struct Dispatch {
    tries: u32,
    /// False while it waits for its next try.
    under_way: bool,
}

impl Dispatches {
    /// True if a message was handed out.
    pub fn knows(&self, id: &DeliveryId) -> bool {
        self.0.contains_key(id)
    }

    /// A message is handed out for the first time.
    pub fn hand_out(&mut self, id: DeliveryId) {
        self.0.insert(id, Dispatch { tries: 1, under_way: true });
    }

    /// A message's try failed; it waits for the next one.
    pub fn wait(&mut self, id: &DeliveryId) {
        if let Some(dispatch) = self.0.get_mut(id) {
            dispatch.under_way = false;
        }
    }

    /// Begins a waiting message's next try; false if there is none that waits.
    pub fn try_again(&mut self, id: &DeliveryId) -> bool {
        let Some(dispatch) = self.0.get_mut(id).filter(|dispatch| !dispatch.under_way) else { return false };
        dispatch.tries += 1;
        dispatch.under_way = true;
        true
    }

    /// How often a message was tried; one that is not known counts as tried once.
    pub fn tries(&self, id: &DeliveryId) -> u32 {
        self.0.get(id).map_or(1, |dispatch| dispatch.tries)
    }

    /// A message was delivered or given up.
    pub fn settle(&mut self, id: &DeliveryId) {
        self.0.remove(id);
    }

    /// True if no unsettled message had to be tried again.
    pub fn all_at_first_try(&self) -> bool {
        self.0.values().all(|dispatch| dispatch.tries == 1)
    }
}
