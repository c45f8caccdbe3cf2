//! Errors as JavaScript throws them.

use presence_core::graph::GraphError;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(raw_module = "../error.js")]
extern "C" {
    /// The class that the package exports.
    #[wasm_bindgen(js_name = PresenceError)]
    pub type PresenceError;

    #[wasm_bindgen(constructor, js_class = PresenceError)]
    fn new(code: &str, status: u16, message: &str) -> PresenceError;
}

impl From<GraphError> for PresenceError {
    fn from(error: GraphError) -> Self {
        Self::new(error.code().as_str(), error.status(), error.message())
    }
}
