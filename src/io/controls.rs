//! Asks the control targets: things that are not the partner and nearly always up. If none of
//! them answers it is our own network that is broken.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::plan::ControlTarget;

/// How long a control target may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks control targets.
pub struct Controls {
    http: reqwest::Client,
}

impl Controls {
    /// Ready to ask. Fails only if this machine cannot do TLS at all.
    pub fn new() -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A kept connection could outlive the network that it says something about.
            .pool_max_idle_per_host(0)
            .timeout(ANSWER_TIMEOUT)
            .build()?;
        Ok(Self { http })
    }

    /// Asks all targets at once: how many answered, of how many.
    pub async fn check(&self, targets: &[ControlTarget]) -> (u8, u8) {
        let answers = join_all(targets.iter().map(|target| self.answers(target))).await;
        let count = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        (count(answers.iter().filter(|answered| **answered).count()), count(answers.len()))
    }

    async fn answers(&self, target: &ControlTarget) -> bool {
        match target {
            ControlTarget::Http(url) => {
                let answer = self.http.head(url).send().await;
                answer.is_ok_and(|answer| !answer.status().is_server_error())
            }
            ControlTarget::Tcp(address) => {
                matches!(timeout(ANSWER_TIMEOUT, TcpStream::connect(address)).await, Ok(Ok(_)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_listens_answers_and_who_does_not_does_not() {
        let up = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let down = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = |listener: &TcpListener| ControlTarget::Tcp(listener.local_addr().expect("bound").to_string());
        let targets = [target(&up), target(&down)];
        drop(down);
        let controls = Controls::new().expect("made");
        assert_eq!(controls.check(&targets).await, (1, 2));
        assert_eq!(controls.check(&[]).await, (0, 0));
    }
}
