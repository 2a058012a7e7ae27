//! ringcheck: a synthetic call-availability monitor.
//!
//! The life of a page, told once. A cron slot falls due ([`engine`], schedule); an attempt is
//! asked for; the minter and the dialer ([`io`]) mint a token and drive a [`call`] over the
//! partner's wire ([`partner`]); its report comes back as an observation; rules judge it and an
//! alert fires; alerts become one incident; a notification is queued, journalled, and only then
//! handed to a receiver, which words it with [`message`]. The status page follows by itself.
//! `docs/architecture.md` tells the same story by file names.
//!
//! Modules stand in dependency order: a lower one knows nothing of a higher one, and
//! `tests/house.rs` holds that.

// Blank lines keep rustfmt from sorting the floors alphabetically.
pub mod model;

pub mod token;

pub mod partner;

pub mod plan;

pub mod diagnosis;

pub mod call;

pub mod engine;

pub mod message;

pub mod drive;

pub mod sim;

pub mod io;

pub mod node;

pub mod partner_server;

pub mod cli;
