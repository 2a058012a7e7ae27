//! Calls with a WebRTC stack that is not ours (PyPI `aiortc`), in both roles: ICE, DTLS, SRTP and
//! PCMU or Opus of another hand, over real sockets. It sends back what it hears, and we hear our own tone.

#[path = "python/environment.rs"]
mod environment;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ringcheck::call::audio::{
    Ear, FRAME, FrameDecoder, FrameEncoder, Heard, PLAYOUT_DELAY, Playout, RtpClock, ToneId, ToneSource,
};
use ringcheck::call::{AudioPacket, Media, MediaEvent, MediaOutput, MediaSettings};
use ringcheck::io::clock::Stopwatch;
use ringcheck::model::Codec;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UdpSocket;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Long enough for a busy machine; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much is listened to after our tone was recognised, in frames: three seconds.
const FRAMES_AFTER: u64 = 150;
const TONE: ToneId = ToneId(0xa10c);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aiortc_answers_our_offer_and_sends_our_tone_back() {
    for codec in Codec::ALL {
        aiortc_answers(codec).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn we_answer_the_offer_of_aiortc_and_it_sends_our_tone_back() {
    for codec in Codec::ALL {
        we_answer(codec).await;
    }
}

async fn aiortc_answers(codec: Codec) {
    let (mut call, mut peer) = (Call::new(codec).await, Peer::start());
    let offer = call.media.offer();
    let answer = peer.description(json!({ "answer": offer })).await;
    call.media.take_answer(call.watch.time(), &answer).expect("its answer is usable");
    heard_by_both(call, peer).await;
}

async fn we_answer(codec: Codec) {
    let (mut call, mut peer) = (Call::new(codec).await, Peer::start());
    let offer = peer.description(json!({ "offer": in_sdp(codec) })).await;
    let answer = call.media.take_offer(call.watch.time(), &offer).expect("its offer is usable");
    peer.ask(json!({ "accept": answer })).await;
    heard_by_both(call, peer).await;
}

async fn heard_by_both(mut call: Call, mut peer: Peer) {
    let talked = tokio::time::timeout(PATIENCE, call.talk()).await;
    let report: Report = serde_json::from_value(peer.ask(json!({ "report": true })).await).expect("a report");
    let hearing = call.ear.hearing();
    assert!(talked.is_ok(), "no tone: {hearing:?}; events {:?}; {report:?}", call.events);
    assert_eq!(hearing.heard, Heard::OurTone, "{hearing:?}");
    assert_eq!(hearing.died, None, "{hearing:?}");
    assert_eq!(call.events, [MediaEvent::PathFound, MediaEvent::KeysAgreed]);
    assert_eq!(report.state, "connected");
    assert!(report.received > FRAMES_AFTER && report.sent > FRAMES_AFTER, "{report:?}");
    let agreed = |codec: Codec| report.codecs.iter().any(|one| one.starts_with(in_sdp(codec)));
    for codec in Codec::ALL {
        assert_eq!(agreed(codec), codec == call.codec, "{report:?}");
    }
    println!("{report:?}, {hearing:?}");
    call.media.close(call.watch.time());
    call.send_out().await;
    peer.end().await;
}

/// Its name in a session description.
const fn in_sdp(codec: Codec) -> &'static str {
    match codec {
        Codec::Pcmu => "PCMU",
        Codec::Opus => "opus",
    }
}

/// What aiortc counts.
#[derive(Debug, Deserialize)]
struct Report {
    state: String,
    sent: u64,
    received: u64,
    codecs: Vec<String>,
}

/// The other side, in a process of its own.
struct Peer {
    child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/aiortc_peer.py");
        let mut child = Command::new(environment::python("aiortc", "aiortc_requirements.txt"))
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python starts");
        let requests = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, requests, answers }
    }

    async fn ask(&mut self, request: Value) -> Value {
        let asked = async {
            self.requests.write_all(format!("{request}\n").as_bytes()).await.expect("it reads");
            self.answers.next_line().await.expect("it can be read").expect("it answers")
        };
        let answer = tokio::time::timeout(PATIENCE, asked).await.expect("it answers in time");
        serde_json::from_str(&answer).expect("it answers in JSON")
    }

    async fn description(&mut self, request: Value) -> String {
        self.ask(request).await["description"].as_str().expect("a description").to_owned()
    }

    /// Ends it; it must not have been in trouble.
    async fn end(mut self) {
        drop(self.requests);
        let status =
            tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends").expect("it can be known");
        assert!(status.success(), "{status}");
    }
}

/// Our side: the media of a test call on a real socket, with an ear.
struct Call {
    watch: Stopwatch,
    socket: UdpSocket,
    codec: Codec,
    media: Media,
    encoder: FrameEncoder,
    decoder: FrameDecoder,
    playout: Playout<Vec<u8>>,
    ear: Ear,
    /// When the keys were agreed: frames are counted from there.
    began: Option<Duration>,
    /// All but packets and reports.
    events: Vec<MediaEvent>,
}

impl Call {
    async fn new(codec: Codec) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let (local, watch) = (socket.local_addr().expect("bound"), Stopwatch::start());
        let settings = MediaSettings { codecs: codec.alone(), local, host: true, origin: watch.origin() };
        let clock = match codec {
            Codec::Pcmu => RtpClock::Telephone,
            Codec::Opus => RtpClock::Opus,
        };
        Self {
            watch,
            socket,
            codec,
            media: Media::new(settings, Duration::ZERO),
            encoder: FrameEncoder::new(codec),
            decoder: FrameDecoder::new(codec),
            playout: Playout::new(PLAYOUT_DELAY, clock),
            ear: Ear::new(TONE),
            began: None,
            events: Vec::new(),
        }
    }

    /// Sends our tone and listens until it was recognised, and for a while after.
    async fn talk(&mut self) {
        let (mut frames, mut after) = (0, 0);
        let mut buffer = [0; 2048];
        while after < FRAMES_AFTER {
            self.send_out().await;
            let frame_due = self.began.map(|began| began + FRAME * u32::try_from(frames).expect("few"));
            let wake = self.media.wake().into_iter().chain(frame_due).min().expect("the media are open");
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => {
                    // An error tells of an earlier datagram that met a closed port.
                    if let Ok((length, from)) = received {
                        self.media.datagram(self.watch.time(), from, &buffer[..length]);
                    }
                }
                () = self.watch.sleep_until(wake) => self.media.timeout(self.watch.time()),
            }
            if let Some(due) = frame_due.filter(|due| *due <= self.watch.time()) {
                let payload = self.encoder.encode(ToneSource::new(TONE).frame(frames));
                self.media.send(self.watch.time(), frames, &payload);
                let frame = self.decoder.decode(self.playout.play(due).as_deref());
                self.ear.hear(frame.as_ref(), due);
                frames += 1;
                after += u64::from(self.ear.has_recognised());
            }
        }
    }

    /// Sends what the media want sent, and takes what they tell.
    async fn send_out(&mut self) {
        while let Some(output) = self.media.poll() {
            match output {
                MediaOutput::Transmit { to, bytes, .. } => drop(self.socket.send_to(&bytes, to).await),
                MediaOutput::Event(MediaEvent::Packet(packet)) => self.packet(&packet),
                MediaOutput::Event(MediaEvent::RoundTrip(_)) => {}
                MediaOutput::Event(event) => {
                    if event == MediaEvent::KeysAgreed {
                        self.began = Some(self.watch.time());
                        self.ear.source_began(self.watch.time());
                    }
                    self.events.push(event);
                }
            }
        }
    }

    fn packet(&mut self, packet: &AudioPacket) {
        let spoken = self.media.spoken().expect("agreed");
        assert_eq!((spoken.codec, spoken.payload_type), (self.codec, packet.payload_type));
        self.playout.insert(packet.timestamp, self.watch.time(), packet.payload.clone());
    }
}
