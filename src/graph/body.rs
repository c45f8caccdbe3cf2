use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;

use serde::de::{Deserialize, Deserializer};

use crate::graph::form::Pascal;

/// A request body that was read but not checked.
///
/// Reading it fails only if the text is not valid, such as JSON that ends too early. A body that breaks
/// a rule is read to its end, and [`check`](Self::check) returns a [`BodyError`] that names the field.
/// The types of this crate can also be read without `Body`: the format then wraps the same error in one
/// of its own.
///
/// `T` is one of the types of Graph's bodies, [`Tick`](crate::Tick), [`Command`](crate::Command),
/// [`GetPresencesByUserId`](crate::graph::GetPresencesByUserId), or one of the presences. Names and
/// words are read without regard to case (rule [W1](crate::docs::rules#W1)), and unknown fields are
/// passed over, whatever they hold. A command has exactly one field that is known.
///
/// Ids may be borrowed, and may have 128 bits. JSON has to be told of such numbers before it reads them,
/// so a 128-bit id that is a text is an error of the format.
///
/// Any format will do. If a format that is not human-readable has names, as CBOR does, a body that is no
/// object is an error of the format. If it has none, as postcard, all fields must be there, and only
/// values that break a rule together, and lifetimes, are errors of the body.
///
/// ```
/// use presence_core::SetSession;
/// use presence_core::graph::Body;
///
/// let text = r#"{"sessionId":null,"availability":"Busy","activity":"InACall"}"#;
/// let body: Body<SetSession<String>> = serde_json::from_str(text)?;
/// let error = body.check().unwrap_err();
/// assert_eq!(error.to_string(), "[SessionId]: The SessionId field is required.");
/// assert_eq!((error.status(), error.code().as_str()), (400, "InvalidArgument"));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// A type of your own is not read as `Body`, because its fields would be unknown:
///
/// ```compile_fail
/// #[derive(serde::Deserialize)]
/// struct Note {
///     text: String,
/// }
///
/// let body: presence_core::graph::Body<Note> = serde_json::from_str(r#"{"text":"Back at 3."}"#).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body<T>(pub(super) Result<T, BodyError>);

impl<T> Body<T> {
    /// Returns the body.
    ///
    /// # Errors
    ///
    /// [`BodyError`] if the body breaks a rule.
    pub fn check(self) -> Result<T, BodyError> {
        self.0
    }
}

/// A rule that a request body breaks. The text is the `error.message` of the answer: Graph's if Graph
/// has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{message}")]
pub struct BodyError {
    /// In one word, so that what is found in a field fits into registers.
    #[expect(clippy::box_collection, reason = "a `Box<str>` has two words")]
    message: Box<String>,
}

impl BodyError {
    #[cold]
    pub(super) fn new(message: impl fmt::Display) -> Self {
        Self { message: Box::new(message.to_string()) }
    }

    /// Names a field, and says what is wrong with it.
    pub(super) fn in_field(name: &'static str, message: impl fmt::Display) -> Self {
        Self::new(format_args!("[{}]: {message}", Pascal(name)))
    }
}

impl<'de, T: Read<'de>> Deserialize<'de> for Body<T> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer)
    }
}

/// A type that [`Body`] reads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request body of Graph",
    note = "read your own types without `Body`"
)]
pub(super) trait Read<'de>: Sized {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Body<Self>, D::Error>;
}

/// Reads types by their forms, and checks them.
macro_rules! read_checked {
    ($($body:ident $(<$id:ident>)?: $form:ty, $check:expr);+ $(;)?) => {$(
        impl<'de $(, $id: Deserialize<'de>)?> Read<'de> for $body $(<$id>)? {
            #[inline]
            fn read<D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::graph::Body<Self>, D::Error> {
                let mut form = <$form as $crate::graph::form::Form>::empty();
                let object = $crate::graph::form::fill(&mut form, deserializer)?;
                let check: fn(&mut $form) -> Result<Self, BodyError> = $check;
                Ok($crate::graph::body::Body(object.and_then(|()| check(&mut form))))
            }
        }

        read_directly!($body $(<$id>)?);
    )+};
}

/// Reads a type without [`Body`], by way of it.
macro_rules! read_directly {
    ($body:ident $(<$id:ident>)?) => {
        impl<'de $(, $id: Deserialize<'de>)?> Deserialize<'de> for $body $(<$id>)? {
            #[inline]
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::read(deserializer)?.check().map_err(D::Error::custom)
            }
        }
    };
}

pub(super) use {read_checked, read_directly};
