//! The media of one call, without sockets: session descriptions, ICE, DTLS and SRTP by str0m,
//! behind the few words that a test call needs. Both ends use it: ours, and the simulated
//! partner's.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::{Codec as RtcCodec, FormatParams};
use str0m::media::{Direction, Frequency, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{Extension, ExtensionMap, RtpPacket, RtpWrite, SeqNo};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig};

use crate::model::{Codec, Origin};

use super::binding::mapped_address;
use super::dtls;

/// How often statistics and receiver reports are made.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// What is drained at once; a machine that gives out more has lost its senses.
const OUTPUTS_MAX: usize = 10_000;
/// Addresses of the far side whose view of us is remembered; whoever has more has lost its senses.
const FAR_ADDRESSES_MAX: usize = 16;
/// The line with which a session description tells an address.
const CANDIDATE_LINE: &str = "a=candidate:";
/// The line that names a codec's number.
const RTPMAP: &str = "a=rtpmap:";
/// The line that says that no more addresses come.
const END_OF_CANDIDATES_LINE: &str = "a=end-of-candidates";

/// How a call's media shall be.
#[derive(Clone, Copy, Debug)]
pub struct MediaSettings {
    /// The codecs that may be spoken. An offer of one demands it.
    pub codecs: &'static [Codec],
    /// The address of the socket that carries it.
    pub local: SocketAddr,
    /// True if it may go from there without more ado.
    pub host: bool,
    /// The moment from which this machine's times count, and where its chance comes from.
    pub origin: Origin,
}

/// A session description that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the session description cannot be used")]
pub struct BadDescription;

/// What the media wants done, or tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MediaOutput {
    /// Send this datagram.
    Transmit {
        /// Through the relay that has this address; `None` from the socket.
        via: Option<SocketAddr>,
        /// Where to.
        to: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// Something to know.
    Event(MediaEvent),
}

/// What the media tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MediaEvent {
    /// A path was found.
    PathFound,
    /// The path is gone; it may come back.
    PathLost,
    /// The keys are agreed; audio can flow.
    KeysAgreed,
    /// The keys cannot be agreed, or the far side has ended the media.
    Closed,
    /// A packet of audio.
    Packet(AudioPacket),
    /// How long packets travel there and back.
    RoundTrip(Duration),
}

/// A packet of audio.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AudioPacket {
    /// Sequence number, extended over its 16 bits.
    pub sequence: u64,
    /// In the codec's clock.
    pub timestamp: u32,
    /// Which codec, by number.
    pub payload_type: u8,
    /// The coded audio.
    pub payload: Vec<u8>,
}

/// The codec that both sides speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spoken {
    /// Which.
    pub codec: Codec,
    /// Its number in packets.
    pub payload_type: u8,
}

/// One call's media.
pub struct Media {
    rtc: Rtc,
    settings: MediaSettings,
    pending: Option<SdpPendingOffer>,
    mid: Option<Mid>,
    now: Duration,
    wake: Duration,
    path: bool,
    closed: bool,
    /// Where the last packet that was no check went: through which relay, and to whom.
    last: Option<(Option<SocketAddr>, SocketAddr)>,
    /// Which way the last check that was answered went.
    answered: Option<(Option<SocketAddr>, SocketAddr)>,
    /// Under which address the far side's addresses have seen our socket.
    seen_as: Vec<(SocketAddr, SocketAddr)>,
    outputs: VecDeque<MediaOutput>,
}

impl Media {
    /// Media that nobody has been told of yet.
    pub fn new(settings: MediaSettings, now: Duration) -> Self {
        let mut config = RtcConfig::new()
            .set_crypto_provider(dtls::crypto(settings.origin))
            .clear_codecs()
            .enable_pcmu(settings.codecs.contains(&Codec::Pcmu), false)
            .enable_opus(settings.codecs.contains(&Codec::Opus), false)
            .set_extension_map(header_extensions(settings.codecs))
            .set_rtp_mode(true)
            .set_stats_interval(Some(REPORT_EVERY))
            .set_rtcp_report_interval_audio(REPORT_EVERY);
        settings.codecs.iter().for_each(|codec| add_telephone_events(&mut config, *codec));
        let mut rtc = config.build(settings.origin.after(now));
        if let (true, Ok(candidate)) = (settings.host, Candidate::host(settings.local, Protocol::Udp)) {
            rtc.add_local_candidate(candidate);
        }
        let (pending, mid, path, closed, last) = (None, None, false, false, None);
        let (seen_as, outputs) = (Vec::new(), VecDeque::new());
        Self { rtc, settings, pending, mid, now, wake: now, path, closed, last, answered: None, seen_as, outputs }
    }

    /// It may also go from the socket as the world sees it.
    pub fn add_reflexive(&mut self, now: Duration, mapped: SocketAddr) {
        if !self.settings.host {
            // Its checks leave from the socket and come back to it: without the socket's own address
            // nobody here would answer those of the far side. The far side is told of neither.
            self.add(now, Candidate::host(self.settings.local, Protocol::Udp).ok());
        }
        self.add(now, Candidate::server_reflexive(mapped, self.settings.local, Protocol::Udp).ok());
    }

    /// It may also go through a relay that has this address.
    pub fn add_relayed(&mut self, now: Duration, relayed: SocketAddr) {
        self.add(now, Candidate::relayed(relayed, self.settings.local, Protocol::Udp).ok());
    }

    /// Where it goes: through the relay that has this address, or from the socket, which the far
    /// side sees under that address. `None` while only the way is looked for.
    pub fn way(&self) -> Option<(Option<SocketAddr>, Option<SocketAddr>)> {
        let (via, to) = self.last.or(self.answered)?;
        Some((via, self.seen_as.iter().find(|(by, _)| *by == to).map(|(_, seen)| *seen)))
    }

    /// Our offer. The SDK tells no addresses in its own: the far side learns them from the checks.
    pub fn offer(&mut self) -> String {
        let mut changes = self.rtc.sdp_api();
        self.mid = Some(changes.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None));
        let Some((offer, pending)) = changes.apply() else { return String::new() };
        self.pending = Some(pending);
        self.drain();
        offer.to_sdp_string()
    }

    /// Takes the far side's answer to our offer.
    pub fn take_answer(&mut self, now: Duration, description: &str) -> Result<(), BadDescription> {
        self.advance(now);
        let answer = SdpAnswer::from_sdp_string(&usual(description)).map_err(|_| BadDescription)?;
        let pending = self.pending.take().ok_or(BadDescription)?;
        self.rtc.sdp_api().accept_answer(pending, answer).map_err(|_| BadDescription)?;
        self.spoken().ok_or(BadDescription)?;
        self.tick();
        Ok(())
    }

    /// Takes the far side's offer; our answer to it.
    pub fn take_offer(&mut self, now: Duration, description: &str) -> Result<String, BadDescription> {
        self.advance(now);
        let offer = SdpOffer::from_sdp_string(&usual(description)).map_err(|_| BadDescription)?;
        let answer = self.rtc.sdp_api().accept_offer(offer).map_err(|_| BadDescription)?;
        let answer = answer.to_sdp_string();
        // str0m tells of the media only once they are connected.
        let mid = answer.lines().find_map(|line| line.strip_prefix("a=mid:"));
        self.mid = self.mid.or(mid.map(Mid::from));
        self.tick();
        self.spoken().ok_or(BadDescription)?;
        Ok(answer)
    }

    /// A datagram came to the socket.
    pub fn datagram(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) {
        self.note_answer(None, from, bytes);
        self.arrived(now, from, self.settings.local, bytes);
    }

    /// A datagram came to the address that we have at a relay.
    pub fn relayed(&mut self, now: Duration, relayed: SocketAddr, from: SocketAddr, bytes: &[u8]) {
        self.note_answer(Some(relayed), from, bytes);
        self.arrived(now, from, relayed, bytes);
    }

    fn arrived(&mut self, now: Duration, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.advance(now);
        // What is no STUN, DTLS, RTP or RTCP is not for us.
        let Ok(receive) = Receive::new(Protocol::Udp, from, to, bytes) else { return };
        // It may have come before the last frame of ours went: str0m counts with the time it is told.
        let at = self.settings.origin.after(now);
        if self.rtc.handle_input(Input::Receive(at, receive)).is_err() {
            self.close_once();
        }
        self.drain();
    }

    /// Time has come to [`Media::wake`].
    pub fn timeout(&mut self, now: Duration) {
        self.advance(now);
        self.tick();
    }

    /// Sends 20 ms of coded audio; frame 0 is the first, and one that is left out is missed as lost.
    /// Nothing before the keys are agreed. A call of more than 21 minutes would need another start.
    pub fn send(&mut self, now: Duration, frame: u64, payload: &[u8]) {
        self.advance(now);
        let (Some(mid), Some(spoken)) = (self.mid, self.spoken()) else { return };
        let at = self.settings.origin.after(self.now);
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, None) else { return };
        let time = frame.wrapping_mul(u64::from(spoken.codec.samples_a_frame())) as u32;
        stream.write_rtp(RtpWrite::new(spoken.payload_type.into(), SeqNo::from(frame + 1), time, at, payload));
        self.tick();
    }

    /// Sends part of a telephone event as frame `frame`; it began with frame `began`. Nothing where
    /// events were not agreed on.
    pub fn send_event(&mut self, now: Duration, frame: u64, began: u64, payload: [u8; 4]) {
        self.advance(now);
        let (Some(mid), Some(spoken), Some(events)) = (self.mid, self.spoken(), self.events()) else { return };
        let at = self.settings.origin.after(self.now);
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, None) else { return };
        let time = began.wrapping_mul(u64::from(spoken.codec.samples_a_frame())) as u32;
        let packet = RtpWrite::new(events.into(), SeqNo::from(frame + 1), time, at, payload.as_slice());
        stream.write_rtp(packet.marker(frame == began));
        self.tick();
    }

    /// The number of telephone events in the spoken codec's clock, if both sides know them.
    pub fn events(&self) -> Option<u8> {
        let clock = rtp_clock(self.spoken()?.codec);
        let media = self.rtc.media(self.mid?)?;
        let known = self.rtc.codec_config();
        let events = |pt: &&Pt| {
            let params = known.find(|params| params.pt() == **pt);
            params.is_some_and(|params| params.spec().codec == RtcCodec::Tele && params.spec().clock_rate == clock)
        };
        media.remote_pts().iter().find(events).map(|pt| **pt)
    }

    /// Ends it and tells the far side.
    pub fn close(&mut self, now: Duration) {
        self.advance(now);
        if self.rtc.close().is_ok() {
            self.drain();
        }
        self.closed = true;
    }

    /// When [`Media::timeout`] wants to come; `None` when closed.
    pub fn wake(&self) -> Option<Duration> {
        (!self.closed).then_some(self.wake)
    }

    /// What is spoken: the codec that the far side prefers of those that both know. Nothing before
    /// both descriptions are known.
    pub fn spoken(&self) -> Option<Spoken> {
        let media = self.rtc.media(self.mid?)?;
        let known = self.rtc.codec_config();
        media.remote_pts().iter().find_map(|pt| {
            let codec = known.find(|params| params.pt() == *pt)?.spec().codec;
            let codec = self.settings.codecs.iter().find(|one| rtc_codec(**one) == codec)?;
            Some(Spoken { codec: *codec, payload_type: **pt })
        })
    }

    /// The next thing to do or to know; `None` when drained.
    pub fn poll(&mut self) -> Option<MediaOutput> {
        self.outputs.pop_front()
    }

    // ---- inside --------------------------------------------------------------------------

    fn add(&mut self, now: Duration, candidate: Option<Candidate>) {
        self.advance(now);
        if let Some(candidate) = candidate {
            self.rtc.add_local_candidate(candidate);
            self.tick();
        }
    }

    /// The answer to a check says which way works, and under which address the far side saw it come.
    fn note_answer(&mut self, via: Option<SocketAddr>, from: SocketAddr, bytes: &[u8]) {
        let Some((_, mapped)) = Some(bytes).filter(|bytes| is_check(bytes)).and_then(mapped_address) else { return };
        self.answered = Some((via, from));
        let known = self.seen_as.iter().any(|(by, _)| *by == from) || self.seen_as.len() >= FAR_ADDRESSES_MAX;
        if via.is_none() && !known {
            self.seen_as.push((from, mapped));
        }
    }

    fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    fn tick(&mut self) {
        let at = self.settings.origin.after(self.now);
        if self.rtc.handle_input(Input::Timeout(at)).is_err() {
            self.close_once();
        }
        self.drain();
    }

    fn drain(&mut self) {
        for _ in 0..OUTPUTS_MAX {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.wake = self.settings.origin.until(at);
                    return;
                }
                Ok(Output::Transmit(transmit)) => {
                    let (to, bytes) = (transmit.destination, transmit.contents.to_vec());
                    let via = Some(transmit.source).filter(|source| *source != self.settings.local);
                    if !is_check(&bytes) {
                        self.last = Some((via, to));
                    }
                    self.outputs.push_back(MediaOutput::Transmit { via, to, bytes });
                }
                Ok(Output::Event(event)) => self.event(event),
                Err(_) => return self.close_once(),
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::IceConnectionStateChange(state) => self.path_changed(state),
            Event::Connected => self.tell(MediaEvent::KeysAgreed),
            Event::Closed => self.close_once(),
            Event::RtpPacket(packet) => self.tell(MediaEvent::Packet(audio_packet(&packet))),
            Event::MediaEgressStats(stats) => self.tell_round_trip(stats.rtt),
            Event::PeerStats(stats) => {
                let pair = stats.selected_candidate_pair;
                self.tell_round_trip(stats.rtt.or(pair.and_then(|pair| pair.current_round_trip_time)));
            }
            _ => {}
        }
    }

    fn path_changed(&mut self, state: IceConnectionState) {
        let up = match state {
            IceConnectionState::Connected | IceConnectionState::Completed => true,
            IceConnectionState::Disconnected => false,
            IceConnectionState::New | IceConnectionState::Checking => return,
        };
        if up != self.path {
            self.path = up;
            self.tell(if up { MediaEvent::PathFound } else { MediaEvent::PathLost });
        }
    }

    fn tell_round_trip(&mut self, round_trip: Option<Duration>) {
        if let Some(round_trip) = round_trip {
            self.tell(MediaEvent::RoundTrip(round_trip));
        }
    }

    fn tell(&mut self, event: MediaEvent) {
        self.outputs.push_back(MediaOutput::Event(event));
    }

    fn close_once(&mut self) {
        if !self.closed {
            self.closed = true;
            self.tell(MediaEvent::Closed);
        }
    }
}

/// Has the media library do what it does only once, and slowly: testing its ciphers. A first call
/// would otherwise be some 45 ms later than all others.
pub fn warm_up(origin: Origin) {
    let local = SocketAddr::from(([127, 0, 0, 1], 9));
    drop(Media::new(MediaSettings { codecs: Codec::Pcmu.alone(), local, host: true, origin }, Duration::ZERO));
}

/// A description without its addresses, as the SDK writes them.
pub fn without_candidates(description: &str) -> String {
    let is_address = |line: &&str| line.starts_with(CANDIDATE_LINE) || line.starts_with(END_OF_CANDIDATES_LINE);
    description.lines().filter(|line| !is_address(line)).flat_map(|line| [line, "\r\n"]).collect()
}

/// The codec that a description names first, of those that are known here.
pub fn preferred_codec(description: &str) -> Option<Codec> {
    let formats = description.lines().find_map(|line| line.strip_prefix("m=audio "))?.split_whitespace().skip(2);
    formats.into_iter().find_map(|number| {
        let name =
            description.lines().find_map(|line| line.strip_prefix(RTPMAP)?.strip_prefix(number)?.strip_prefix(' '));
        // Number 0 needs no name (RFC 3551).
        match name.map(str::to_ascii_lowercase) {
            Some(name) if name.starts_with("pcmu/8000") => Some(Codec::Pcmu),
            Some(name) if name.starts_with("opus/48000") => Some(Codec::Opus),
            None if number == "0" => Some(Codec::Pcmu),
            _ => None,
        }
    })
}

/// `PCMU/8000/1` says the same as `PCMU/8000`, and str0m knows only the latter.
fn usual(description: &str) -> String {
    description.replace("PCMU/8000/1", "PCMU/8000")
}

/// What goes with each packet, as a browser numbers it. Browsers report the arrival of every packet
/// (transport-wide congestion control) only for a codec whose description says so, and `PCMU` does not.
fn header_extensions(codecs: &[Codec]) -> ExtensionMap {
    let mut extensions = ExtensionMap::empty();
    extensions.set(1, Extension::AudioLevel);
    extensions.set(2, Extension::AbsoluteSendTime);
    if codecs.contains(&Codec::Opus) {
        extensions.set(3, Extension::TransportSequenceNumber);
    }
    extensions.set(4, Extension::RtpMid);
    extensions
}

/// True for STUN, which shares the socket with DTLS and RTP (RFC 7983).
fn is_check(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| *first < 4)
}

fn add_telephone_events(config: &mut RtcConfig, codec: Codec) {
    let number = match codec {
        Codec::Pcmu => 126.into(),
        Codec::Opus => 110.into(),
    };
    let format = FormatParams::parse_line("0-16");
    config.codec_config().add_config(number, None, RtcCodec::Tele, rtp_clock(codec), None, format);
}

const fn rtp_clock(codec: Codec) -> Frequency {
    match codec {
        Codec::Pcmu => Frequency::EIGHT_KHZ,
        Codec::Opus => Frequency::FORTY_EIGHT_KHZ,
    }
}

const fn rtc_codec(codec: Codec) -> RtcCodec {
    match codec {
        Codec::Pcmu => RtcCodec::PCMU,
        Codec::Opus => RtcCodec::Opus,
    }
}

fn audio_packet(packet: &RtpPacket) -> AudioPacket {
    AudioPacket {
        sequence: *packet.seq_no,
        timestamp: packet.header.timestamp,
        payload_type: *packet.header.payload_type,
        payload: packet.payload.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codec_that_is_named_first_is_preferred() {
        let of = |formats: &str| {
            preferred_codec(&format!(
                "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF {formats}\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:11 iLBC/8000\r\na=rtpmap:96 PCMU/8000\r\n"
            ))
        };
        assert_eq!(of("0 111"), Some(Codec::Pcmu));
        assert_eq!(of("11 111 0"), Some(Codec::Opus));
        assert_eq!(of("11 96"), Some(Codec::Pcmu));
        assert_eq!(of("11 9"), None);
        assert_eq!(preferred_codec("garbage"), None);
    }
}
