//! The other client of ours in a call between two: it registers under its fixed name, waits to be
//! called, and listens. It is there for the device under test, and as plain as can be.

use std::sync::Arc;
use std::time::Duration;

use crate::call::audio::ToneId;
use crate::call::{CallSettings, Connection, Finding, OtherClient, Settings};
use crate::io::clock::{self, Stopwatch};
use crate::io::minter::Minted;
use crate::io::not_done::NotDone;
use crate::io::resolver::Resolver;
use crate::model::{AttemptSpec, CallDirection, CallWish, LostReason, MediaPath, Signalling, Step};
use crate::partner::twilio::{Device, SdkProfile, client_address};
use crate::plan::{FarEnd, Pod, Probe};

use super::Equipment;
use super::attempt::{settings, tone_of};
use super::line::{Goodbye, Line, Way};
use super::other_end::run_both;

/// What its tone's id differs in from that of the device under test.
const OTHER_TONE: u16 = 0x5555;

/// The other client, ready to be started.
pub(super) struct FarClient<'a> {
    wish: CallWish,
    tone: ToneId,
    device: Device,
    settings: Settings,
    ways: &'a [Way],
}

/// The other client of an attempt's call, if one shall be called. Its token is as plain as can be, of
/// the kind and with the key of the device under test.
pub(super) async fn of<'a>(
    equipment: &Equipment,
    spec: &AttemptSpec,
    (pod, probe): (&Arc<Pod>, &Probe),
    near: &Minted,
    ways: &'a [Way],
) -> Result<Option<FarClient<'a>>, LostReason> {
    let (Some(wish), Some(call)) = (spec.call, &probe.call) else { return Ok(None) };
    let (CallDirection::Outbound, FarEnd::Client) = (wish.direction, call.far_end) else { return Ok(None) };
    // A token that was fetched tells no name; the plan has no such pods.
    let Some(caller) = &near.identity else { return Err(LostReason::NotAllowed) };
    let deadline = probe.deadlines.of(Step::Mint);
    let minted = equipment.minter.mint_for_far_client(pod, (near.kind, near.key), deadline).await;
    let minted = minted.map_err(|why| match why {
        NotDone::Lost(reason) => reason,
        NotDone::Failed(_) => LostReason::Secret,
    })?;
    let near_tone = tone_of(spec.id.0);
    let other = OtherClient { tone: near_tone, calls_as: Some(client_address(caller)) };
    let tone = ToneId(near_tone.0 ^ OTHER_TONE);
    // Which path its media take is not looked at.
    let far_wish = CallWish { direction: CallDirection::Inbound, ring_ms: 0, path: MediaPath::Any, ..wish };
    let call = CallSettings {
        wish: far_wish,
        digits: None,
        record: Duration::ZERO,
        tone,
        temporary: String::new(),
        marker: String::new(),
        number: None,
        other: Some(other),
        origin: Stopwatch::start().origin(),
        step: probe.deadlines.step,
        delivery: Duration::ZERO,
        servers: false,
    };
    let settings = Settings { call: Some(call), ..settings(probe, ways, true) };
    let device = Device::new(minted.text, SdkProfile::default());
    Ok(Some(FarClient { wish, tone, device, settings, ways }))
}

impl<'a> FarClient<'a> {
    /// What the one that calls must know of it.
    pub(super) fn as_seen_by_caller(&self) -> OtherClient {
        OtherClient { tone: self.tone, calls_as: None }
    }

    /// Runs the call: this client first, and the one that calls it once this one waits.
    pub(super) async fn run<'n, S: Signalling>(
        self,
        near: impl FnOnce() -> Line<'n, S>,
        resolver: &'a Resolver,
    ) -> Result<(Finding, Vec<Goodbye>), LostReason> {
        let machine = Connection::new(self.device, self.settings, clock::now());
        run_both(self.wish, Line::new(machine, self.ways, resolver), near).await
    }
}
