//! Twilio Voice for browsers, without sockets: tokens, signalling frames, the SDK's Device as a
//! state machine, its error catalogue, and a pod's account. Facts and their sources are in
//! `docs/twilio.md`.

mod account;
mod claims;
mod client_frame;
mod device;
mod device_call;
mod edge;
pub mod error_catalogue;
mod frame;
mod json;
mod mint;
mod profile;
mod reading;
mod rest;
mod server_frame;
mod verify;

pub use account::{Account, ApiKey, KNOWN_EDGES};
pub use client_frame::ClientFrame;
pub use device::{DEVICE_ERRORS_MAX, Device, HEARTBEAT_SILENCE, REGISTER_REPEAT};
pub use edge::{Endpoint, EndpointError, ORIGIN, USER_AGENT};
pub use frame::{CallFrame, FIELD_TEXT_MAX, FRAME_MAX, HEARTBEAT, LARGE_FRAME, Unreadable};
pub use mint::{MintRequest, SigningKey, distinct, mint, mint_best};
pub use profile::SdkProfile;
pub use reading::{Reading, name_features};
pub use rest::{
    ListedCall, Parties, REST_ANSWER_MAX, RestCall, client_address, form_fields, ice_servers, listed_calls, rest_answer,
};
pub use server_frame::{CallNews, INVITE_PARAMETERS_MAX, Invite, ServerFrame, Trouble, Welcome};
pub use verify::{AccountKeys, KeyRing, Refusal, VerifiedToken};
