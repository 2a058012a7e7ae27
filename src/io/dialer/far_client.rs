//! The other client of ours in a call between two: it registers under its fixed name, waits to be
//! called, and listens. It is there for the device under test, and as plain as can be.

use std::sync::Arc;

use crate::call::{CallSettings, Connection, Finding, Settings, far_settings};
use crate::io::clock;
use crate::io::minter::Minted;
use crate::io::not_done::NotDone;
use crate::model::{CallWish, LostReason, Signalling, Step};
use crate::partner::twilio::{Device, SdkProfile, client_address};
use crate::plan::{Pod, Probe};

use super::Equipment;
use super::attempt::settings;
use super::goodbye::Goodbye;
use super::line::{Line, Way};
use super::other_end::run_both;

/// The other client, ready to be started.
pub(super) struct FarClient<'a> {
    wish: CallWish,
    device: Device,
    settings: Settings,
    ways: &'a [Way],
}

/// The other client of a call that shall go like this, if there is to be one. Its token is as plain as can
/// be, of the kind and with the key of the device under test.
pub(super) async fn of<'a>(
    equipment: &Equipment,
    call: Option<&CallSettings>,
    (pod, probe): (&Arc<Pod>, &Probe),
    near: &Minted,
    ways: &'a [Way],
) -> Result<Option<FarClient<'a>>, LostReason> {
    let Some(call) = call.filter(|call| call.other.is_some()) else { return Ok(None) };
    // A token that was fetched tells no name; the plan has no such pods.
    let caller = near.identity.as_ref().ok_or(LostReason::NotAllowed)?;
    let deadline = probe.deadlines.of(Step::Mint);
    let minted = equipment.minter.mint_for_far_client(pod, (near.kind, near.key), deadline).await;
    let minted = minted.map_err(|why| match why {
        NotDone::Lost(reason) => reason,
        // Nobody was asked for it.
        NotDone::Failed(_) => LostReason::Secret,
    })?;
    let settings = Settings { call: far_settings(call, client_address(caller)), ..settings(probe, ways, true) };
    let device = Device::new(minted.text, SdkProfile::default());
    Ok(Some(FarClient { wish: call.wish, device, settings, ways }))
}

impl<'a> FarClient<'a> {
    /// Runs the call: this client first, and the one that calls it once this one waits.
    pub(super) async fn run<'n, S: Signalling>(
        self,
        near: impl FnOnce() -> Line<'n, S>,
        equipment: &'a Equipment,
    ) -> Result<(Finding, Vec<Goodbye>), LostReason> {
        let machine = Connection::new(self.device, self.settings, clock::now());
        let far = Line::new(machine, self.ways, &equipment.resolver, equipment.stopping.ear());
        run_both(self.wish, far, near).await
    }
}
