//! How texts and bytes cross the border: in one buffer each, which JavaScript reads and writes between the calls. Texts
//! are UTF-16.

use std::cell::RefCell;

use presence_core::graph::{ErrorCode, GraphError};
use serde::Serialize;

thread_local! {
    static TEXT: RefCell<Vec<u16>> = const { RefCell::new(Vec::new()) };
    static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Makes the text this long, in units of 16 bits, and returns its address.
pub(crate) fn text(length: usize) -> *const u16 {
    TEXT.with_borrow_mut(|text| {
        text.resize(length, 0);
        text.as_ptr()
    })
}

/// Makes room for so many bytes, and returns their address.
pub(crate) fn bytes(length: usize) -> *const u8 {
    BYTES.with_borrow_mut(|bytes| {
        bytes.resize(length, 0);
        bytes.as_ptr()
    })
}

pub(crate) fn take_bytes() -> Vec<u8> {
    BYTES.take()
}

/// Leaves bytes for JavaScript, and returns their number.
pub(crate) fn put_bytes(bytes: Vec<u8>) -> usize {
    let length = bytes.len();
    BYTES.set(bytes);
    length
}

/// Takes the text that JavaScript has written. `what` names it in the error.
pub(crate) fn take(what: &str) -> Result<String, GraphError> {
    let text = TEXT.with_borrow(|text| String::from_utf16(text));
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
    TEXT.with_borrow_mut(|buffer| {
        buffer.clear();
        if text.is_ascii() {
            buffer.extend(text.bytes().map(u16::from));
        } else {
            buffer.extend(text.encode_utf16());
        }
        i32::try_from(buffer.len()).unwrap_or(i32::MAX)
    })
}

pub(crate) fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(crate) fn invalid(message: String) -> GraphError {
    GraphError::new(ErrorCode::InvalidArgument, message)
}
