use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, Expected, IgnoredAny, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::command::{ClearPreferred, ClearSession, Command, SetPreferred, SetSession, Tick};
use crate::error::invalid_argument;
use crate::query::GetPresencesByUserId;

/// A request body that was read but not checked.
///
/// Reading it fails only if the text is not valid, such as JSON that ends too early. A body that breaks
/// a rule is read, and [`check`](Self::check) returns a [`BodyError`] for it. The types of this crate
/// can also be read without `Body`: the format then wraps the same text in an error of its own.
///
/// `T` is one of the types of Graph's bodies, [`Tick`], [`Command`], or [`GetPresencesByUserId`]. Unknown
/// fields of a body are ignored, whatever they hold. A command has exactly one field.
///
/// The format must say what each value is, as JSON does; postcard does not. Reading takes numbers up to 64
/// bits, so it does not suit ids that are longer numbers.
///
/// ```
/// use presence_core::{Body, SetSession};
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
/// let body: presence_core::Body<Note> = serde_json::from_str(r#"{"text":"Back at 3."}"#).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body<T>(Result<T, BodyError>);

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
    message: String,
}

invalid_argument!(BodyError);

impl<'de, T: Request + Deserialize<'de>> Deserialize<'de> for Body<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::SHAPE.deserialize(deserializer)?;
        Ok(Self(T::deserialize(value).map_err(|ValueError(message)| BodyError { message })))
    }
}

/// A type that [`Body`] reads: its fields must be known before they are read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request body of Graph",
    note = "read your own types without `Body`"
)]
trait Request {
    const SHAPE: Shape;
}

/// What is read of a value.
#[derive(Clone, Copy)]
enum Shape {
    /// Everything.
    Any,
    /// These fields of an object. Other fields are ignored, whatever they hold.
    Object(&'static [(&'static str, Self)]),
}

impl Shape {
    fn field(self, name: &Value<'_>) -> Option<Self> {
        match (self, name) {
            (Self::Any, _) => Some(Self::Any),
            (Self::Object(fields), Value::Text(name)) => {
                fields.iter().find(|(field, _)| field == name).map(|(_, shape)| *shape)
            }
            (Self::Object(_), _) => None,
        }
    }
}

impl<S> Request for SetSession<S> {
    const SHAPE: Shape = Shape::Object(&[
        ("sessionId", Shape::Any),
        ("availability", Shape::Any),
        ("activity", Shape::Any),
        ("expirationDuration", Shape::Any),
    ]);
}

impl<S> Request for ClearSession<S> {
    const SHAPE: Shape = Shape::Object(&[("sessionId", Shape::Any)]);
}

impl Request for SetPreferred {
    const SHAPE: Shape = Shape::Object(&[
        ("availability", Shape::Any),
        ("activity", Shape::Any),
        ("expirationDuration", Shape::Any),
    ]);
}

impl Request for ClearPreferred {
    const SHAPE: Shape = Shape::Object(&[]);
}

impl Request for Tick {
    const SHAPE: Shape = Shape::Object(&[]);
}

impl<S> Request for Command<S> {
    const SHAPE: Shape = Shape::Object(&[
        ("setPresence", SetSession::<S>::SHAPE),
        ("clearPresence", ClearSession::<S>::SHAPE),
        ("setUserPreferredPresence", SetPreferred::SHAPE),
        ("clearUserPreferredPresence", ClearPreferred::SHAPE),
        ("tick", Tick::SHAPE),
    ]);
}

impl<U> Request for GetPresencesByUserId<U> {
    const SHAPE: Shape = Shape::Object(&[("ids", Shape::Any)]);
}

/// A value of any type, from which a body is read without the format that it came in.
enum Value<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object(Vec<(Value<'a>, Value<'a>)>),
}

impl<'de> DeserializeSeed<'de> for Shape {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shape {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request body")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Signed(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(value.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element_seed(Self::Any)? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value<'de>, A::Error> {
        let mut object = Vec::new();
        while let Some(name) = fields.next_key_seed(Self::Any)? {
            let value = match self.field(&name) {
                Some(shape) => fields.next_value_seed(shape)?,
                None => fields.next_value().map(|IgnoredAny| Value::Null)?,
            };
            object.push((name, value));
        }
        Ok(Value::Object(object))
    }
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Unsigned(value) => visitor.visit_u64(value),
            Self::Signed(value) => visitor.visit_i64(value),
            Self::Float(value) => visitor.visit_f64(value),
            Self::Text(Cow::Borrowed(value)) => visitor.visit_borrowed_str(value),
            Self::Text(Cow::Owned(value)) => visitor.visit_string(value),
            Self::List(values) => SeqDeserializer::new(values.into_iter()).deserialize_any(visitor),
            Self::Object(fields) => MapDeserializer::new(fields.into_iter()).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    /// Reads an enum from a text, or from an object with one field.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self {
            Self::Text(text) => text.into_deserializer().deserialize_enum(name, variants, visitor),
            Self::Object(fields) if fields.len() == 1 => {
                let fields = MapDeserializer::new(fields.into_iter());
                MapAccessDeserializer::new(fields).deserialize_enum(name, variants, visitor)
            }
            _ => Err(ValueError::custom("expected an object with one field")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ValueError> for Value<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// An error of reading a [`Value`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ValueError(String);

impl Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    /// Names null as JSON does.
    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match unexpected {
            Unexpected::Unit => Self(format!("invalid type: null, expected {expected}")),
            other => Self(format!("invalid type: {other}, expected {expected}")),
        }
    }
}
