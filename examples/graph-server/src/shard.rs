//! One shard of the users: a directory that is a pure function of its log. This is the file to copy.
//!
//! # The rule
//!
//! 1. Everything that changes a shard is a group of entries in its log, with a sequence number and the
//!    time at which the log accepted it. A tick is an entry too.
//! 2. The time of an entry is that of its group, but never before the entry before it.
//! 3. An entry first takes the changes that are due until its time, and then applies its command.
//! 4. Changes are numbered in order, from the sequence number of their group.
//!
//! So answers, changes and their numbers depend on the log alone. A restart, a second owner and an
//! owner that does not know that it was replaced all compute the same, and a reader can drop what it
//! has seen by its number.

use std::fmt;
use std::hash::Hasher;
use std::time::Duration;

use anyhow::Context as _;
use presence_core::{
    Command, CommandError, Presence, PresenceDirectory, PresenceModel, Tick, Timestamp, timestamp,
};
use serde::{Deserialize, Serialize};

/// The longest user id and session id, in bytes.
pub const MAX_ID: usize = 256;

/// How often a shard ticks at most.
pub const TICK: Duration = Duration::from_millis(250);

/// The version of all that is stored, and that processes send each other. It is the first byte of a stored shard, and
/// stands in the configuration of the log in NATS. Times were text in the first.
pub const FORMAT: u8 = 2;

/// How many numbers of changes each sequence number has. If a group has more changes, they go on into
/// the numbers of the next.
const NUMBERS_PER_GROUP: u64 = 1 << 16;

/// Returns the shard of a user: FNV-1a of 64 bits over the bytes of its id, modulo the number of shards.
#[must_use]
pub fn shard_of(user: &str, shards: usize) -> usize {
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(user.as_bytes());
    usize::try_from(hasher.finish() % shards.max(1) as u64).unwrap_or(0)
}

/// A session id: 1 to [`MAX_ID`] bytes. Graph answers an empty one as if it were missing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct SessionId(Box<str>);

impl SessionId {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for SessionId {
    type Error = &'static str;

    fn try_from(id: Box<str>) -> Result<Self, Self::Error> {
        match id.len() {
            0 => Err("The SessionId field is required."),
            1..=MAX_ID => Ok(Self(id)),
            _ => Err("The SessionId field is longer than 256 bytes."),
        }
    }
}

/// As text, which the explanations of the crate print.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A timestamp: text in JSON, and nanoseconds since 1970 in postcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Time(#[serde(with = "timestamp")] pub Timestamp);

/// One entry of the log: a command for a user, or a tick of the shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The user. Without a user, the entry only lets time pass.
    pub user: Option<String>,
    /// The command.
    pub command: Command<SessionId>,
    /// The time of the entry if a test sets the clock. It counts even if it goes backwards.
    pub at: Option<Time>,
}

impl Entry {
    /// Lets time pass for the whole shard.
    #[must_use]
    pub fn tick(at: Option<Time>) -> Self {
        Self { user: None, command: Tick.into(), at }
    }
}

/// A change of a user's effective presence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Rises with each change of the shard.
    pub number: u64,
    /// When it came into effect.
    pub at: Time,
    /// The user.
    pub user: String,
    /// The effective presence from then on.
    pub presence: Presence,
}

/// The answers to a group of entries, in their order, and the changes that they caused.
#[derive(Debug, Default)]
pub struct Applied {
    /// One answer for each entry.
    pub answers: Vec<Result<(), CommandError>>,
    /// The changes, in order.
    pub changes: Vec<Change>,
}

/// What others ask about users of one shard.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Question {
    /// The effective presences of these users.
    Presences(Vec<String>),
    /// Why a user has its effective presence.
    Why(String),
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// The effective presences, in the order of the users.
    Presences(Vec<Presence>),
    /// The explanation in words, and as JSON.
    Why(String, String),
}

/// The users of one shard, as of one sequence number of its log.
#[derive(Default)]
pub struct Shard {
    directory: PresenceDirectory<String, SessionId>,
    /// The sequence number of the last group.
    sequence: u64,
    /// The time of the last entry.
    time: Option<Timestamp>,
    /// The number of the last change.
    last_change: u64,
}

/// The stored form of a shard, with users borrowed or owned.
#[derive(Serialize, Deserialize)]
struct Snapshot<U> {
    format: u8,
    sequence: u64,
    time: Option<Time>,
    last_change: u64,
    users: U,
}

impl Shard {
    /// Restores a shard from its stored form.
    ///
    /// # Errors
    ///
    /// If the bytes are not a shard, or were written by another version.
    pub fn decode(bytes: &[u8]) -> anyhow::Result<Self> {
        let format = bytes.first().context("the stored shard is empty")?;
        anyhow::ensure!(
            *format == FORMAT,
            "the shard is stored in format {format}, and this version of the service reads format {FORMAT}"
        );
        let snapshot: Snapshot<Vec<(String, PresenceModel<SessionId>)>> = postcard::from_bytes(bytes)?;
        let time = snapshot.time.map(|Time(time)| time);
        let mut directory = PresenceDirectory::new();
        for (user, model) in snapshot.users {
            directory.insert(user, model, time.unwrap_or(Timestamp::UNIX_EPOCH));
        }
        let Snapshot { sequence, last_change, .. } = snapshot;
        Ok(Self { directory, sequence, time, last_change })
    }

    /// Returns the stored form: the shard as of `sequence`, up to which its log has no other entries.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub fn encode(&self, sequence: u64) -> anyhow::Result<Vec<u8>> {
        let users: Vec<_> = self.directory.iter().collect();
        let (time, last_change) = (self.time.map(Time), self.last_change);
        Ok(postcard::to_stdvec(&Snapshot { format: FORMAT, sequence, time, last_change, users })?)
    }

    /// Returns the first user in the beginning of a stored form, or `None` if there is none.
    #[must_use]
    pub fn first_user(bytes: &[u8]) -> Option<String> {
        let (snapshot, _) = postcard::take_from_bytes::<Snapshot<(u64, String)>>(bytes).ok()?;
        let (users, first) = snapshot.users;
        (snapshot.format == FORMAT && users > 0).then_some(first)
    }

    /// Applies the next group of the log.
    pub fn apply(&mut self, sequence: u64, accepted: Timestamp, entries: Vec<Entry>) -> Applied {
        let mut applied = Applied::default();
        self.sequence = sequence;
        for Entry { user, command, at } in entries {
            let now = at.map_or_else(|| self.now(accepted), |Time(at)| at);
            self.time = Some(now);
            for (at, user, outcome) in self.directory.changes_until(now) {
                let number = next_number(&mut self.last_change, sequence);
                let presence = outcome.current;
                applied.changes.push(Change { number, at: Time(at), user, presence });
            }
            let Some(user) = user else {
                applied.answers.push(Ok(()));
                continue;
            };
            let answer = self.directory.apply(user.as_str(), command, now).map(|outcome| {
                if let Some(presence) = outcome.changed() {
                    let number = next_number(&mut self.last_change, sequence);
                    applied.changes.push(Change { number, at: Time(now), user, presence });
                }
            });
            applied.answers.push(answer);
        }
        applied
    }

    /// Answers a question at `now`.
    #[must_use]
    pub fn answer(&self, question: &Question, now: Timestamp) -> Reply {
        match question {
            Question::Presences(users) => {
                Reply::Presences(self.directory.presences(users, now).collect())
            }
            Question::Why(user) => {
                let explanation = self.directory.explain(user.as_str(), now);
                Reply::Why(
                    explanation.to_string(),
                    serde_json::to_string(&explanation).unwrap_or_default(),
                )
            }
        }
    }

    /// Returns the time to read at, or to apply an entry at: the clock's, but never before the log.
    #[must_use]
    pub fn now(&self, clock: Timestamp) -> Timestamp {
        self.time.map_or(clock, |time| time.max(clock))
    }

    /// Returns whether a tick at `now` has something to do.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.directory.next_deadline().is_some_and(|deadline| deadline <= now)
    }

    /// Returns the sequence number of the last group.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns the time of the last entry.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// Returns the number of the last change.
    #[must_use]
    pub fn last_change(&self) -> u64 {
        self.last_change
    }

    /// Returns how many users are stored.
    #[must_use]
    pub fn users(&self) -> usize {
        self.directory.len()
    }

    /// Returns a number that is before those of all changes after `sequence` and after all others.
    #[must_use]
    pub fn number_after(&self, sequence: u64) -> u64 {
        self.last_change.max(sequence.saturating_add(1).saturating_mul(NUMBERS_PER_GROUP) - 1)
    }
}

/// Returns the number of the next change.
fn next_number(last: &mut u64, sequence: u64) -> u64 {
    *last = last.saturating_add(1).max(sequence.saturating_mul(NUMBERS_PER_GROUP));
    *last
}
