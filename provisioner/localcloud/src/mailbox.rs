//! Mails that AWS's services send to people, kept for tests and the command line (`GET /_billform/mailbox`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// When it was sent, by the local cloud's clock.
    pub at: Timestamp,
    /// The sender's address.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// A handle on all mails that were sent; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Mailbox {
    /// Keeps a mail.
    pub fn send(&self, mail: Mail) {
        self.held().push(mail);
    }

    /// All mails, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.held().clone()
    }

    /// Throws all mails away.
    pub fn clear(&self) {
        self.held().clear();
    }

    fn held(&self) -> MutexGuard<'_, Vec<Mail>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
