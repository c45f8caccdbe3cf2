use std::iter;

use presence_core::{
    Command, CommandError, Outcome, Presence, PresenceDirectory, PresenceModel, Timestamp,
};

/// A row of the store: one user.
pub struct Row {
    pub user: String,
    /// The model as JSON.
    pub snapshot: String,
    /// When nothing of the model is left if no command comes.
    pub expires_at: Timestamp,
}

/// The store, the watchers and the clients. An error ends the process; a restart goes on from the rows.
pub trait Outside {
    type Error;
    fn rows(&mut self) -> Result<Vec<Row>, Self::Error>;
    /// Writes all of the rows, or none.
    fn commit(&mut self, rows: Vec<Row>) -> Result<(), Self::Error>;
    /// Deletes the rows that expire at `now` or before.
    fn delete_expired(&mut self, now: Timestamp) -> Result<(), Self::Error>;
    fn publish(&mut self, user: &str, presence: Presence) -> Result<(), Self::Error>;
    fn answer(&mut self, request: u64, answer: Result<Outcome, CommandError>)
    -> Result<(), Self::Error>;
}

pub struct Server<O> {
    pub users: PresenceDirectory<String, String>,
    outside: O,
}

impl<O: Outside> Server<O> {
    /// Restores each row by itself, and publishes the presence of each stored user, Offline too.
    pub fn start(mut outside: O, now: Timestamp) -> Result<Self, O::Error> {
        let mut users = PresenceDirectory::new();
        for Row { user, snapshot, .. } in outside.rows()? {
            let mut model: PresenceModel<String> =
                serde_json::from_str(&snapshot).unwrap_or_else(|error| {
                    eprintln!("the row of {user} cannot be read: {error}");
                    PresenceModel::new()
                });
            let outcome = model.tick(now);
            outside.publish(&user, outcome.current)?;
            users.insert(user, model, now);
        }
        Ok(Self { users, outside })
    }

    /// Applies the command of a request. Call [`tick`](Self::tick) with the same `now` first.
    pub fn handle(
        &mut self,
        request: u64,
        user: &str,
        command: Command<String>,
        now: Timestamp,
    ) -> Result<(), O::Error> {
        let answer = self.users.apply(user, command, now); // 1. apply
        if let Ok(outcome) = answer {
            let row = self.row(user, now);
            self.outside.commit(vec![row])?; // 2. commit
            if let Some(presence) = outcome.changed() {
                self.outside.publish(user, presence)?; // 3. publish
            }
        }
        self.outside.answer(request, answer) // 4. answer
    }

    /// Lets time pass for all users. Up to 1,000 changes share a commit.
    pub fn tick(&mut self, now: Timestamp) -> Result<(), O::Error> {
        loop {
            let changes: Vec<_> = iter::from_fn(|| self.users.tick(now)).take(1000).collect();
            if changes.is_empty() {
                return Ok(());
            }
            let rows = changes.iter().map(|(user, _)| self.row(user, now)).collect();
            self.outside.commit(rows)?;
            for (user, outcome) in changes {
                self.outside.publish(&user, outcome.current)?;
            }
        }
    }

    /// Deletes the rows of which nothing is left. The tick comes first: it publishes their Offline.
    pub fn sweep(&mut self, now: Timestamp) -> Result<(), O::Error> {
        self.tick(now)?;
        self.outside.delete_expired(now)
    }

    /// Returns the row of a user. A user that the directory has removed has an empty one.
    fn row(&self, user: &str, now: Timestamp) -> Row {
        let empty = PresenceModel::new();
        let model = self.users.get(user).unwrap_or(&empty);
        let snapshot = serde_json::to_string(model).expect("a model can be written");
        let expires_at = model.expires_at(now).unwrap_or(now);
        Row { user: user.to_owned(), snapshot, expires_at }
    }
}
