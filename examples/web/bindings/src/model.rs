//! The class and the functions that JavaScript calls.

use presence_core::graph::{Body, ErrorCode, GraphError};
use presence_core::{ClearPreferred, ClearSession, Command, PresenceModel, SetPreferred, SetSession};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::PresenceError;
use crate::time;
use crate::views::{self, Change, Explanation, Outcome, Preferred, Session};

/// A [`PresenceModel`] whose session ids are texts.
#[wasm_bindgen]
pub struct Model(PresenceModel<String>);

#[wasm_bindgen]
impl Model {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self(PresenceModel::new())
    }

    pub fn restore(snapshot: JsValue) -> Result<Self, PresenceError> {
        serde_wasm_bindgen::from_value(snapshot)
            .map(Self)
            .map_err(|error| invalid(&format!("invalid snapshot: {error}")))
    }

    pub fn snapshot(&self) -> JsValue {
        object(&self.0)
    }

    #[wasm_bindgen(js_name = clone)]
    pub fn copy(&self) -> Self {
        Self(self.0.clone())
    }

    /// Applies Graph's body for an action.
    pub fn apply(&mut self, action: &str, body: JsValue, now: f64) -> Result<JsValue, PresenceError> {
        let command = command(action, body)?;
        match self.0.apply(command, time::from_js(now)) {
            Ok(outcome) => Ok(object(&Outcome::from(outcome))),
            Err(error) => Err(GraphError::from(error).into()),
        }
    }

    pub fn tick(&mut self, now: f64) -> JsValue {
        object(&Outcome::from(self.0.tick(time::from_js(now))))
    }

    pub fn presence(&self, now: f64) -> String {
        views::word(self.0.presence(time::from_js(now))).to_owned()
    }

    pub fn reported(&self) -> String {
        views::word(self.0.reported()).to_owned()
    }

    pub fn deadline(&self, now: f64) -> JsValue {
        object(&self.0.deadline(time::from_js(now)).map(time::end))
    }

    pub fn forecast(&self, now: f64) -> JsValue {
        object(&self.0.forecast(time::from_js(now)).map(Change::from).collect::<Vec<_>>())
    }

    pub fn sessions(&self, now: f64) -> JsValue {
        object(&self.0.sessions(time::from_js(now)).map(Session::from).collect::<Vec<_>>())
    }

    pub fn preferred(&self, now: f64) -> JsValue {
        object(&self.0.preferred(time::from_js(now)).map(Preferred::from))
    }

    pub fn explain(&self, now: f64) -> JsValue {
        object(&Explanation::from(&self.0.explain(time::from_js(now))))
    }
}

/// Returns how often to send a `setPresence` body again, in whole milliseconds.
#[wasm_bindgen(js_name = refreshInterval)]
pub fn refresh_interval(body: JsValue) -> Result<u32, PresenceError> {
    let body: SetSession<String> = read(body)?;
    Ok(u32::try_from(body.refresh_interval().whole_milliseconds()).unwrap_or(u32::MAX))
}

/// Returns the availability of a presence.
#[wasm_bindgen]
pub fn availability(presence: &str) -> Result<String, PresenceError> {
    match views::presence(presence) {
        Some(presence) => Ok(presence.availability().as_str().to_owned()),
        None => Err(invalid(&format!("invalid presence {presence:?}, expected one such as InACall"))),
    }
}

fn command(action: &str, body: JsValue) -> Result<Command<String>, PresenceError> {
    match action {
        "setPresence" => read::<SetSession<String>>(body).map(Command::from),
        "clearPresence" => read::<ClearSession<String>>(body).map(Command::from),
        "setUserPreferredPresence" => read::<SetPreferred>(body).map(Command::from),
        "clearUserPreferredPresence" => read::<ClearPreferred>(body).map(Command::from),
        _ => Err(invalid(&format!("invalid action {action:?}, expected one such as setPresence"))),
    }
}

fn read<T>(body: JsValue) -> Result<T, PresenceError>
where
    Body<T>: for<'a> Deserialize<'a>,
{
    let body: Body<T> = serde_wasm_bindgen::from_value(body)
        .map_err(|error| invalid(&format!("invalid body: {error}")))?;
    body.check().map_err(|error| GraphError::from(error).into())
}

fn invalid(message: &str) -> PresenceError {
    GraphError::new(ErrorCode::InvalidArgument, message).into()
}

/// Makes an object of JavaScript, with `null` for what is not there.
fn object(value: &impl Serialize) -> JsValue {
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).unwrap_or(JsValue::NULL)
}
