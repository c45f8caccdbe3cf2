//! The functions that JavaScript calls. A text that they take is in the buffer, and their answer is left there.

#![expect(unsafe_code, reason = "the functions are exported by their names")]

use std::cell::RefCell;

use presence_core::graph::{Body, GraphError};
use presence_core::{ClearPreferred, ClearSession, Command, PresenceModel, SetPreferred, SetSession};
use serde::{Deserialize, Serialize};

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
extern "C" fn buffer(length: usize) -> *const u16 {
    border::buffer(length)
}

/// Restores a snapshot. If that fails, the model is the one before. The answer is nothing and the snapshot.
#[unsafe(no_mangle)]
extern "C" fn restore() -> i32 {
    answer(border::take("snapshot").and_then(|snapshot| {
        let model: Model =
            json::read(&snapshot).map_err(|error| invalid(format!("invalid snapshot: {error}")))?;
        let answer = updated(&(), &model);
        MODEL.set(model);
        Ok(answer)
    }))
}

/// Applies the body of an action, which is given by its position. The answer is the outcome and the snapshot.
#[unsafe(no_mangle)]
extern "C" fn apply(action: usize, now: f64) -> i32 {
    answer(command(action).and_then(|command| {
        MODEL.with_borrow_mut(|model| {
            let outcome = model.apply(command, time::from_js(now))?;
            Ok(updated(&views::Outcome::from(outcome), model))
        })
    }))
}

/// Lets time pass. The answer is the outcome and the snapshot.
#[unsafe(no_mangle)]
extern "C" fn tick(now: f64) -> i32 {
    MODEL.with_borrow_mut(|model| {
        let outcome = model.tick(time::from_js(now));
        answer(Ok(updated(&views::Outcome::from(outcome), model)))
    })
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

/// Answers how often to send a `setPresence` body again, in whole milliseconds.
#[unsafe(no_mangle)]
extern "C" fn refresh_interval() -> i32 {
    let milliseconds = |body: SetSession<Id>| body.refresh_interval().whole_milliseconds();
    answer(read().map(|body| written(&u32::try_from(milliseconds(body)).unwrap_or(u32::MAX))))
}

/// Writes what an update returns, and the model after it.
fn updated(value: &impl Serialize, model: &Model) -> String {
    format!("{}\n{}", written(value), written(model))
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
