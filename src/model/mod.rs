//! The words everything else is said in: ids, time, steps, outcomes, traits, reports. No
//! behaviour beyond parsing, printing and arithmetic; nothing of ours below it.

mod call;
mod cell_weights;
mod deadlines;
mod device_error;
mod digits;
mod ice_url;
mod id;
mod media_path;
mod observation;
mod origin;
mod outcome;
mod reached;
mod report;
mod rest;
mod secret_ref;
mod share;
mod signalling;
mod stable_hash;
mod step;
mod time;
mod token_wish;
mod traits;

pub use call::{
    CallAudio, CallDigits, CallDirection, CallFacts, CallStatus, CallWish, Codec, DigitsWay, FarFacts, FarHears,
    HeardSound,
};
pub use cell_weights::{CellWeights, Fit, WeightsError};
pub use deadlines::Deadlines;
pub use device_error::{DeviceError, ErrorClass};
pub use digits::{BadDigits, DIGITS_MAX, Digits};
pub use ice_url::{BadIceUrl, IceUrl};
pub use id::{
    AttemptId, AttemptIds, EdgeName, IncidentNumber, LocationName, NameError, PodName, ProbeName, ReceiverName,
};
pub use media_path::{
    IceServer, IceService, IceTrouble, MediaPath, OwnServerTrouble, PathTaken, RelayLogin, RelayTransport, ServerAsked,
};
pub use observation::{Observation, Role};
pub use origin::Origin;
pub use outcome::{Degradation, Failure, FailureReason, LostReason, Outcome, ThrottleSign};
pub use reached::{PlaceName, Reached};
pub use report::{AttemptReport, AttemptSpec, CertificateSeen, PartnerSaid, StepTiming};
pub use rest::{NumberCall, RestAnswer, RestRequest};
pub use secret_ref::SecretRef;
pub use share::Share;
pub use signalling::{
    CallEvent, ExpectedCall, MediaTrouble, SessionFacts, Signalling, SignallingEvent, SignallingOutput, SocketEnd,
};
pub use stable_hash::StableHasher;
pub use step::Step;
pub use time::{Timestamp, humane, millis};
pub use token_wish::{KeySlot, TokenKind, TokenWish};
pub use traits::{AddressFamily, Cell, Segment, SignatureCells, Symbol, TokenShape, Traits};
