//! The model of one user for JavaScript. `model.js` of the package is in front of it.

#![forbid(unsafe_code)]

mod error;
#[expect(unreachable_pub, reason = "wasm-bindgen exports it")]
mod model;
mod time;
mod views;

use rlsf::SmallGlobalTlsf;

#[global_allocator]
static ALLOCATOR: SmallGlobalTlsf = SmallGlobalTlsf::new();
