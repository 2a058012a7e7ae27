//! What an attempt has found.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::{
    AddressFamily, CallFacts, CertificateSeen, Degradation, DeviceError, Outcome, PartnerSaid, SessionFacts, Step,
    StepTiming,
};

/// What an attempt has found, from the first look at a name to the end of the socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// How it ended.
    pub outcome: Outcome,
    /// The steps that were done or begun on the route that is told of, with how long each took.
    pub steps: Vec<StepTiming>,
    /// Which of the routes is told of: 0 is the first choice.
    pub route: usize,
    /// The certificate that the edge showed, if it came that far.
    pub certificate: Option<CertificateSeen>,
    /// What the partner said about itself.
    pub partner: PartnerSaid,
    /// Address family of the connection, once there was one.
    pub family: Option<AddressFamily>,
    /// What is known of the test call, if it was one.
    pub call: Option<Box<CallFacts>>,
    /// The last of what was heard, where that was asked for and our tone was in it: samples at 8 kHz.
    pub recording: Vec<i16>,
}

/// What has been seen so far, on the present route.
#[derive(Default, Debug)]
pub(super) struct Seen {
    pub(super) steps: Vec<StepTiming>,
    pub(super) certificate: Option<CertificateSeen>,
    pub(super) partner: PartnerSaid,
    pub(super) family: Option<AddressFamily>,
    pub(super) degraded: Vec<Degradation>,
    pub(super) device_errors: Vec<DeviceError>,
    pub(super) call: Option<Box<CallFacts>>,
    pub(super) recording: Vec<i16>,
}

impl Seen {
    /// Most device errors that are kept; a partner that sends more says nothing new.
    pub(super) const DEVICE_ERRORS_MAX: usize = 16;

    pub(super) fn step(&mut self, step: Step, took: Duration) {
        if self.steps.last().is_none_or(|last| last.step != step) {
            self.steps.push(StepTiming { step, took });
        }
    }

    pub(super) fn address(&mut self, address: SocketAddr) {
        self.partner.address = Some(address);
        self.family = Some(if address.is_ipv4() { AddressFamily::V4 } else { AddressFamily::V6 });
    }

    pub(super) fn session(&mut self, facts: SessionFacts) {
        self.partner.gateway = facts.gateway;
        self.partner.region = facts.region;
        self.partner.edge = facts.edge;
    }

    /// Either is told anew by whatever carries it.
    pub(super) fn located(&mut self, gateway: Option<String>, region: Option<String>) {
        self.partner.gateway = gateway.or_else(|| self.partner.gateway.take());
        self.partner.region = region.or_else(|| self.partner.region.take());
    }

    pub(super) fn degrade(&mut self, how: Degradation) {
        if !self.degraded.contains(&how) {
            self.degraded.push(how);
        }
    }

    pub(super) fn device_error(&mut self, error: DeviceError) {
        if self.device_errors.len() < Self::DEVICE_ERRORS_MAX {
            self.device_errors.push(error);
        }
    }

    /// The finding, with everything that was collected put into its outcome.
    pub(super) fn into_finding(self, mut outcome: Outcome, route: usize) -> Finding {
        let Self { steps, certificate, partner, family, degraded, device_errors, call, recording } = self;
        match &mut outcome {
            Outcome::Completed { degraded: into } => *into = degraded,
            Outcome::Failed(failure) => failure.device_errors = device_errors,
            Outcome::Throttled { .. } | Outcome::Lost { .. } => {}
        }
        Finding { outcome, steps, route, certificate, partner, family, call, recording }
    }
}
