//! One turn against the world: handle, append, dispatch. The real node and the simulated one run
//! exactly this.

use crate::engine::{Effect, Engine, Input, Record, Wake};
use crate::model::Timestamp;

/// What a turn needs of the world.
pub trait Ports {
    /// Why facts could not be made durable.
    type Error;

    /// Makes facts durable before anything leaves the process.
    fn append(&mut self, records: &[Record]) -> Result<(), Self::Error>;

    /// Lets something happen.
    fn dispatch(&mut self, effect: Effect);
}

/// Runs one turn. Fails open: if the facts cannot be made durable the effects still leave, since a
/// dead disk must not silence the pager; the caller keeps what was not written and tries again.
/// The worst that can come of it is a page that is sent twice after a restart, under one id.
pub fn step<P: Ports>(
    engine: &mut Engine,
    ports: &mut P,
    now: Timestamp,
    input: Input,
) -> (Option<(Timestamp, Wake)>, Result<(), P::Error>) {
    let turn = engine.handle(now, input);
    let appended = if turn.records.is_empty() { Ok(()) } else { ports.append(&turn.records) };
    turn.effects.into_iter().for_each(|effect| ports.dispatch(effect));
    (turn.wake, appended)
}
