//! What is left to be said when an attempt has come to its end.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::io::partner_rest::{Asking, PartnerRest};
use crate::model::{RestAnswer, RestRequest};

use super::paths::PathsGoodbye;
use super::stream::Stream;

/// How long the partner may take to answer our close frame.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// What is left to be said after the attempt is over: the end of a call at the partner, and the
/// proper end of the socket. Where nothing depends on it nobody waits for it.
pub(super) struct Goodbye {
    /// The socket, and the code that closes it.
    pub(super) socket: Option<(WebSocketStream<Stream>, u16)>,
    /// The call to be ended.
    pub(super) to_end: Option<CallToEnd>,
    /// What is to be given back to servers.
    pub(super) paths: Option<Box<PathsGoodbye>>,
}

impl Goodbye {
    /// Says it. True if the partner has heard it all.
    pub(super) async fn say(self) -> bool {
        let paths = async {
            if let Some(paths) = self.paths {
                paths.say().await;
            }
        };
        let ((), heard) = tokio::join!(paths, say_to_partner(self.socket, self.to_end));
        heard
    }
}

/// A call that the partner was asked for, and that is not wanted any more.
pub(super) struct CallToEnd {
    rest: PartnerRest,
    call: Which,
}

enum Which {
    /// This order ends it.
    Known(RestRequest),
    /// The partner has not yet said which call it has made of our order.
    Ordered(Asking),
}

impl CallToEnd {
    /// The call that `request` ends, or the one that an order without an answer will have made.
    pub(super) fn of(rest: PartnerRest, request: Option<RestRequest>, ordered: Option<Asking>) -> Option<Self> {
        let call = request.map(Which::Known).or(ordered.map(Which::Ordered))?;
        Some(Self { rest, call })
    }

    /// Ends it. True if it is known to be over, or never to have been.
    async fn end(self) -> bool {
        let request = match self.call {
            Which::Known(request) => request,
            Which::Ordered(order) => match order.await {
                RestAnswer::Call { sid, .. } => RestRequest::End { sid },
                RestAnswer::Refused { .. } => return true,
                _ => return false,
            },
        };
        match self.rest.ask(&request).await {
            // One that has ended by itself meanwhile is refused with 400.
            RestAnswer::Call { .. } | RestAnswer::Refused { status: 400 | 404, .. } => true,
            _ => false,
        }
    }
}

/// Ends a call at the partner, and the socket to it.
async fn say_to_partner(socket: Option<(WebSocketStream<Stream>, u16)>, to_end: Option<CallToEnd>) -> bool {
    // However that ends: the call has a time limit of its own.
    let ended = match to_end {
        Some(call) => call.end().await,
        None => true,
    };
    let Some((mut socket, code)) = socket else { return ended };
    let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
    let farewell = async {
        socket.close(Some(frame)).await.ok();
        while let Some(Ok(message)) = socket.next().await {
            if matches!(message, Message::Close(_)) {
                return true;
            }
        }
        false
    };
    // If the partner does not answer in time there is nothing more to do.
    ended & timeout(CLOSE_MAX, farewell).await.unwrap_or(false)
}
