//! Hands each message to its receiver's own queue.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::engine::{DeliveryId, DeliveryResult, Notification, NotifyReason};
use crate::io::clock::Stopwatch;
use crate::io::tls::Tls;
use crate::model::ReceiverName;
use crate::plan::{Plan, Receiver, ReceiverKind};

use super::{DeliveryError, EmailSender, WebhookSender};

/// Messages that wait for one receiver; past it the engine is told to try again later.
const QUEUE_MAX: usize = 256;

/// How a delivery went; the caller tells the engine, the log and the metrics.
#[derive(Debug)]
pub struct Finished {
    /// Which message.
    pub id: DeliveryId,
    /// To whom.
    pub receiver: ReceiverName,
    /// `email` or `webhook`; `unknown` if the receiver is no longer configured.
    pub kind: &'static str,
    /// Why it was sent.
    pub reason: NotifyReason,
    /// What the receiver said, or why it did not work.
    pub said: Result<String, DeliveryError>,
    /// How long this try took, without the wait in the queue.
    pub took: Duration,
}

impl Finished {
    /// What the engine is told.
    pub fn result(&self) -> DeliveryResult {
        match &self.said {
            Ok(_) => DeliveryResult::Delivered,
            Err(error) => error.result(),
        }
    }
}

/// Delivers messages, each receiver's in order and independent of all others.
pub struct Outbox {
    senders: Arc<Senders>,
    queues: BTreeMap<ReceiverName, mpsc::Sender<Job>>,
    finished: mpsc::Sender<Finished>,
}

/// The senders, shared by all queues.
struct Senders {
    email: EmailSender,
    webhook: WebhookSender,
}

/// One message on its way.
struct Job {
    notification: Box<Notification>,
    receiver: Arc<Receiver>,
    external_url: String,
}

impl Outbox {
    /// Reports every delivery to `finished`; a full channel makes the receivers wait.
    pub fn new(tls: Arc<Tls>, finished: mpsc::Sender<Finished>) -> Self {
        Self::with_senders(EmailSender::new(), WebhookSender::new(tls), finished)
    }

    /// With senders of one's own, for other deadlines.
    pub fn with_senders(email: EmailSender, webhook: WebhookSender, finished: mpsc::Sender<Finished>) -> Self {
        Self { senders: Arc::new(Senders { email, webhook }), queues: BTreeMap::new(), finished }
    }

    /// Queues a message for its receiver; never waits. Must be called within a tokio runtime.
    pub fn deliver(&mut self, notification: Box<Notification>, plan: &Plan) {
        let known = plan.receivers.iter().find(|receiver| receiver.name == notification.receiver);
        let Some(receiver) = known.cloned() else {
            self.report(&notification, "unknown", DeliveryError::Unknown);
            return;
        };
        let job = Job { notification, receiver, external_url: plan.node.external_url.clone() };
        let queue = self.queues.entry(job.receiver.name.clone()).or_insert_with(|| {
            let (queue, jobs) = mpsc::channel(QUEUE_MAX);
            tokio::spawn(work(jobs, Arc::clone(&self.senders), self.finished.clone()));
            queue
        });
        if let Err(TrySendError::Full(job) | TrySendError::Closed(job)) = queue.try_send(job) {
            self.report(&job.notification, job.receiver.kind.as_str(), DeliveryError::QueueFull(QUEUE_MAX));
        }
    }

    fn report(&self, notification: &Notification, kind: &'static str, error: DeliveryError) {
        let report = Finished {
            id: notification.id.clone(),
            receiver: notification.receiver.clone(),
            kind,
            reason: notification.reason,
            said: Err(error),
            took: Duration::ZERO,
        };
        let finished = self.finished.clone();
        // On its own, since this function never waits. Bounded by the messages under way.
        tokio::spawn(async move { finished.send(report).await });
    }
}

/// One receiver's queue. A message waits for the one before it: "resolved" never overtakes.
async fn work(mut jobs: mpsc::Receiver<Job>, senders: Arc<Senders>, finished: mpsc::Sender<Finished>) {
    while let Some(job) = jobs.recv().await {
        let (id, reason) = (job.notification.id.clone(), job.notification.reason);
        let (receiver, kind) = (job.receiver.name.clone(), job.receiver.kind.as_str());
        let watch = Stopwatch::start();
        let senders = Arc::clone(&senders);
        // A task of its own, so that a fault in one delivery does not end the queue.
        let tried = tokio::spawn(async move { try_once(&senders, &job).await }).await;
        let said = tried.unwrap_or(Err(DeliveryError::Crashed));
        if finished.send(Finished { id, receiver, kind, reason, said, took: watch.time() }).await.is_err() {
            // Nobody listens any more: the node is shutting down, and the engine's outbox keeps
            // what is left.
            return;
        }
    }
}

async fn try_once(senders: &Senders, job: &Job) -> Result<String, DeliveryError> {
    match &job.receiver.kind {
        ReceiverKind::Email(email) => senders.email.deliver(&job.notification, email, &job.external_url).await,
        ReceiverKind::Webhook(webhook) => senders.webhook.deliver(&job.notification, webhook, &job.external_url).await,
    }
}
