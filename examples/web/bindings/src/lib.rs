//! The model of one user for JavaScript. `js/wasm.js` is the other side of the border.
//!
//! Only numbers, texts and bytes cross it, and this module imports nothing. So nothing of JavaScript runs while a
//! function runs here, and no exception can pass through one. A call that fails returns its error.
//!
//! JavaScript keeps the models, each as the bytes that this module has stored. One model is here: the one in use.

mod border;
mod exports;
mod id;
mod json;
mod time;
mod views;

use rlsf::SmallGlobalTlsf;

#[global_allocator]
static ALLOCATOR: SmallGlobalTlsf = SmallGlobalTlsf::new();
