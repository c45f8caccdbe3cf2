//! How texts cross the border: as UTF-16 in one buffer, which JavaScript reads and writes between the calls.

use std::cell::RefCell;

use presence_core::graph::{ErrorCode, GraphError};
use serde::Serialize;

thread_local! {
    static BUFFER: RefCell<Vec<u16>> = const { RefCell::new(Vec::new()) };
}

/// Makes the buffer this long, in units of 16 bits, and returns its address.
pub(crate) fn buffer(length: usize) -> *const u16 {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.resize(length, 0);
        buffer.as_ptr()
    })
}

/// Takes the text that JavaScript has written. `what` names it in the error.
pub(crate) fn take(what: &str) -> Result<String, GraphError> {
    let text = BUFFER.with_borrow(|buffer| String::from_utf16(buffer));
    text.map_err(|_| invalid(format!("invalid {what}: it has a lone surrogate")))
}

/// Writes an answer and returns its length, negative if it is an error.
pub(crate) fn answer(result: Result<String, GraphError>) -> i32 {
    match result {
        Ok(text) => write(&text),
        Err(error) => -write(&written(&(error.code().as_str(), error.status(), error.message()))),
    }
}

fn write(text: &str) -> i32 {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        buffer.extend(text.encode_utf16());
        i32::try_from(buffer.len()).unwrap_or(i32::MAX)
    })
}

pub(crate) fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(crate) fn invalid(message: String) -> GraphError {
    GraphError::new(ErrorCode::InvalidArgument, message)
}
