//! Errors as the bodies of answers.

use presence_core::{
    Availability, CommandError, ErrorCode, ExpirationError, GetPresencesByUserId, GraphError,
    PresenceError, timestamp,
};

#[test]
fn every_error_becomes_an_answer_with_its_code_and_text() {
    let errors = [
        GraphError::from(CommandError::SessionNotFound),
        CommandError::TooManySessions.into(),
        ExpirationError::OutOfRange.into(),
        PresenceError::Malformed.into(),
        "Lunch".parse::<Availability>().unwrap_err().into(),
        timestamp::parse("noon").unwrap_err().into(),
        GetPresencesByUserId::new(vec![0; 651]).unwrap_err().into(),
        GraphError::new(ErrorCode::NotFound, "path not found"),
    ];
    let statuses = errors.each_ref().map(GraphError::status);
    assert!(errors.iter().all(|error| error.code() == error.code));
    assert_eq!(statuses, [404, 403, 400, 400, 400, 400, 400, 404]);
    assert_eq!(errors[2].to_string(), ExpirationError::OutOfRange.to_string());
    assert_eq!(errors[7].to_string(), "path not found");
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
