//! The functions that JavaScript calls. A text that they take is in the buffer, and their answer is left there.

#![expect(unsafe_code, reason = "the functions are exported by their names")]

use std::cell::RefCell;

use presence_core::graph::{Body, GraphError};
use presence_core::{ClearPreferred, ClearSession, Command, PresenceModel, SetPreferred, SetSession};
use serde::Deserialize;

use crate::border::{self, answer, invalid, written};
use crate::id::Id;
use crate::json;
use crate::time;
use crate::views::{self, Change, Explanation, Preferred, Session};

type Model = PresenceModel<Id>;

thread_local! {
    static MODEL: RefCell<Model> = const { RefCell::new(Model::new()) };
}

/// Makes room for a text, or returns where one is.
#[unsafe(no_mangle)]
extern "C" fn text(length: usize) -> *const u16 {
    border::text(length)
}

/// Makes room for the bytes of a model, or returns where they are.
#[unsafe(no_mangle)]
extern "C" fn bytes(length: usize) -> *const u8 {
    border::bytes(length)
}

/// Loads the model that was stored as the bytes, and returns whether it could. No bytes are a new model.
#[unsafe(no_mangle)]
extern "C" fn load() -> bool {
    let bytes = border::take_bytes();
    let model = if bytes.is_empty() { Ok(Model::new()) } else { postcard::from_bytes(&bytes) };
    model.map(|model| MODEL.set(model)).is_ok()
}

/// Stores the model as bytes, and returns how many they are.
#[unsafe(no_mangle)]
extern "C" fn store() -> usize {
    border::put_bytes(MODEL.with_borrow(|model| postcard::to_allocvec(model).unwrap_or_default()))
}

/// Restores a snapshot. If that fails, the model is the one before.
#[unsafe(no_mangle)]
extern "C" fn restore() -> i32 {
    answer(border::take("snapshot").and_then(|snapshot| {
        let model: Model =
            json::read(&snapshot).map_err(|error| invalid(format!("invalid snapshot: {error}")))?;
        MODEL.set(model);
        Ok(written(&()))
    }))
}

/// Applies the body of an action, which is given by its position. The answer is the outcome.
#[unsafe(no_mangle)]
extern "C" fn apply(action: usize, now: f64) -> i32 {
    answer(command(action).and_then(|command| {
        let outcome = MODEL.with_borrow_mut(|model| model.apply(command, time::from_js(now)))?;
        Ok(written(&views::Outcome::from(outcome)))
    }))
}

/// Lets time pass. The answer is the outcome.
#[unsafe(no_mangle)]
extern "C" fn tick(now: f64) -> i32 {
    let outcome = MODEL.with_borrow_mut(|model| model.tick(time::from_js(now)));
    answer(Ok(written(&views::Outcome::from(outcome))))
}

/// Exports reads.
macro_rules! reads {
    ($($read:ident: |$model:ident, $now:ident| $value:expr;)+) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $read(now: f64) -> i32 {
            let $now = time::from_js(now);
            answer(Ok(MODEL.with_borrow(|$model| written(&$value))))
        }
    )+};
}

reads! {
    presence: |model, now| views::word(model.presence(now));
    deadline: |model, now| model.deadline(now).map(time::end);
    forecast: |model, now| model.forecast(now).map(Change::from).collect::<Vec<_>>();
    sessions: |model, now| model.sessions(now).map(Session::from).collect::<Vec<_>>();
    preferred: |model, now| model.preferred(now).map(Preferred::from);
    explain: |model, now| Explanation::from(&model.explain(now));
}

/// Answers the snapshot.
#[unsafe(no_mangle)]
extern "C" fn snapshot() -> i32 {
    answer(Ok(MODEL.with_borrow(written)))
}

/// Answers what was reported last.
#[unsafe(no_mangle)]
extern "C" fn reported() -> i32 {
    answer(Ok(MODEL.with_borrow(|model| written(&views::word(model.reported())))))
}

/// Answers how often to send a `setPresence` body again, in whole milliseconds.
#[unsafe(no_mangle)]
extern "C" fn refresh_interval() -> i32 {
    let milliseconds = |body: SetSession<Id>| body.refresh_interval().whole_milliseconds();
    answer(read().map(|body| written(&u32::try_from(milliseconds(body)).unwrap_or(u32::MAX))))
}

/// Reads the command of an action: its position among the actions in `words.js`.
fn command(action: usize) -> Result<Command<Id>, GraphError> {
    match action {
        0 => read::<SetSession<Id>>().map(Command::from),
        1 => read::<ClearSession<Id>>().map(Command::from),
        2 => read::<SetPreferred>().map(Command::from),
        3 => read::<ClearPreferred>().map(Command::from),
        _ => Err(invalid(format!("invalid action {action}"))),
    }
}

fn read<T>() -> Result<T, GraphError>
where
    Body<T>: for<'a> Deserialize<'a>,
{
    let body: Body<T> =
        json::read(&border::take("body")?).map_err(|error| invalid(format!("invalid body: {error}")))?;
    Ok(body.check()?)
}
