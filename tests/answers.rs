//! Errors as the bodies of answers.

use presence_core::graph::{ErrorCode, GetPresencesByUserId, GraphError};
use presence_core::{Availability, CommandError, ExpirationError, PresenceError, timestamp};

#[test]
fn every_error_becomes_an_answer_with_its_code_and_text() {
    let errors = [
        GraphError::from(CommandError::SessionNotFound),
        CommandError::TooManySessions.into(),
        ExpirationError::OutOfRange.into(),
        PresenceError::UnknownActivity.into(),
        "Lunch".parse::<Availability>().unwrap_err().into(),
        timestamp::parse("noon").unwrap_err().into(),
        GetPresencesByUserId::new(vec![0; 651]).unwrap_err().into(),
        GraphError::new(ErrorCode::NotFound, "path not found"),
    ];
    let statuses = errors.each_ref().map(GraphError::status);
    assert_eq!(statuses, [404, 403, 400, 400, 400, 400, 400, 404]);
    assert_eq!(errors[2].to_string(), ExpirationError::OutOfRange.to_string());
    assert_eq!(
        (errors[7].to_string().as_str(), errors[7].message()),
        ("path not found", "path not found")
    );
}

#[cfg(feature = "serde")]
#[test]
fn an_answer_has_the_form_of_graphs_errors() {
    let error = GraphError::new(ErrorCode::NotFound, "path not found");
    assert_eq!(
        serde_json::to_string(&error).unwrap(),
        r#"{"error":{"code":"NotFound","message":"path not found"}}"#
    );
}

/// A client reads what Graph answers too, with codes of tomorrow and fields that are not ours.
#[cfg(feature = "serde")]
#[test]
fn an_answer_is_read_whatever_its_code_is() {
    let rows = [
        ("InvalidArgument", ErrorCode::InvalidArgument, 400),
        ("notfound", ErrorCode::NotFound, 404),
        ("Forbidden", ErrorCode::Forbidden, 403),
        ("generalException", ErrorCode::GeneralException, 500),
        ("TooManyRequests", ErrorCode::GeneralException, 500),
        ("", ErrorCode::GeneralException, 500),
    ];
    for (code, expected, status) in rows {
        let text = format!(
            r#"{{"error":{{"code":"{code}","message":"a\nb","innerError":{{"date":null}}}},"x":1}}"#
        );
        let error: GraphError = serde_json::from_str(&text).unwrap();
        assert_eq!((error.code(), error.status(), error.message()), (expected, status, "a\nb"));
        let written = serde_json::to_string(&error).unwrap();
        assert_eq!(serde_json::from_str::<GraphError>(&written).unwrap(), error);
        assert_eq!(serde_json::from_reader::<_, GraphError>(written.as_bytes()).unwrap(), error);
        let bytes = postcard::to_allocvec(&error).unwrap();
        assert_eq!(postcard::from_bytes(&bytes), Ok(error));
    }
}
