//! The requests of a batch, apart from what they ask for.

use std::cell::RefCell;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use presence_graph_server::batch::Batch;
use presence_graph_server::error::Error;
use serde_json::{Value, json};

/// A request of a batch. The URL says how it is answered.
fn part(id: &str, url: &str, depends_on: &[&str]) -> Value {
    json!({ "id": id, "method": "GET", "url": url, "dependsOn": depends_on })
}

fn read(requests: &[Value]) -> Result<Batch, Error> {
    Batch::read(json!({ "requests": requests }).to_string().as_bytes())
}

/// Runs a batch, and returns what was asked for, in order, and the answers.
async fn run(requests: &[Value]) -> (Vec<String>, Value) {
    let asked = RefCell::new(Vec::new());
    let headers =
        HeaderMap::from_iter([("x-own".parse().unwrap(), HeaderValue::from_static("the batch's"))]);
    let answers =
        read(requests).unwrap().run("/beta", &headers, async |request: Request<Bytes>| -> Response {
            let own = request.headers()["x-own"].to_str().unwrap().to_owned();
            asked.borrow_mut().push(format!("{} {} {own}", request.method(), request.uri()));
            match request.uri().path().rsplit('/').next() {
                Some("fails") => Error::of_status(StatusCode::NOT_FOUND).into_response(),
                Some("empty") => StatusCode::OK.into_response(),
                _ => ([("x-much-more", "yes")], axum::Json(json!([1, "2"]))).into_response(),
            }
        });
    let answers = serde_json::to_value(answers.await).unwrap();
    (asked.into_inner(), answers["responses"].clone())
}

#[tokio::test]
async fn requests_run_after_those_that_they_depend_on() {
    let requests = [
        part("d", "/d", &["B", "c"]),
        part("c", "/c", &["a"]),
        part("b", "/b", &["A", "a"]),
        part("a", "/a", &[]),
        part("e", "e", &[]),
    ];
    let (asked, answers) = run(&requests).await;
    let own = "the batch's";
    let expected = ["a", "e", "c", "b", "d"].map(|id| format!("GET /beta/{id} {own}"));
    assert_eq!(asked, expected);
    let ids: Vec<_> = answers.as_array().unwrap().iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, ["a", "e", "c", "b", "d"]);
}

#[tokio::test]
async fn a_failure_spreads_to_all_that_depend_on_it() {
    let requests = [
        part("1", "/fails", &[]),
        part("2", "/a", &["1"]),
        part("3", "/b", &["2"]),
        part("4", "/c", &[]),
        part("5", "/d", &["4", "3"]),
    ];
    let (asked, answers) = run(&requests).await;
    assert_eq!(asked, ["GET /beta/fails the batch's", "GET /beta/c the batch's"]);
    for answer in answers.as_array().unwrap() {
        let expected = match answer["id"].as_str().unwrap() {
            "1" => 404,
            "4" => 200,
            _ => 424,
        };
        assert_eq!(answer["status"], expected, "{answer}");
    }
}

#[tokio::test]
async fn an_answer_has_a_status_headers_and_a_body() {
    let (_, answers) =
        run(&[part("1", "/a", &[]), part("2", "/empty", &[]), part("3", "/fails", &[])]).await;
    let headers = json!({ "Content-Type": "application/json", "X-Much-More": "yes" });
    assert_eq!(answers[0], json!({ "id": "1", "status": 200, "headers": headers, "body": [1, "2"] }));
    assert_eq!(answers[1], json!({ "id": "2", "status": 200, "headers": {} }));
    assert_eq!(answers[2]["body"]["error"]["code"], "ResourceNotFound");
    assert_eq!(answers[2]["headers"], json!({ "Content-Type": "application/json" }));
}

#[tokio::test]
async fn a_request_has_its_own_url_method_headers_and_body() {
    let whole = json!({ "id": "1", "method": "post", "url": "https://host:1/v1.0/a?b=c#d",
        "headers": { "X-Own": "mine", "content-TYPE": "text/plain" }, "body": {"a": [1]} });
    let (asked, _) = run(&[whole, part("2", "a?b=http://c", &[])]).await;
    assert_eq!(asked, ["POST https://host:1/v1.0/a?b=c mine", "GET /beta/a?b=http://c the batch's"]);

    for (name, value) in
        [("method", "GE T"), ("method", ""), ("url", "/a b"), ("url", "/a\n"), ("url", "http://")]
    {
        let mut broken = part("1", "/a", &[]);
        broken[name] = json!(value);
        let (asked, answers) = run(&[broken, part("2", "/b", &[])]).await;
        assert_eq!((asked.len(), &answers[0]["status"]), (1, &json!(400)), "{name} {value:?}");
    }
    for headers in [json!({ "": "x" }), json!({ "a b": "x" }), json!({ "a": "x\r\nb: y" })] {
        let mut broken = part("1", "/a", &[]);
        broken["headers"] = headers.clone();
        let (asked, answers) = run(&[broken]).await;
        assert_eq!((asked.len(), &answers[0]["status"]), (0, &json!(400)), "{headers}");
    }
}

#[test]
fn a_batch_that_cannot_be_read_is_an_error() {
    let many = |count| (0..count).map(|id: u32| part(&id.to_string(), "/a", &[])).collect::<Vec<_>>();
    assert!(read(&many(20)).is_ok());
    let circle = [part("0", "/a", &[]), part("1", "/a", &["2"]), part("2", "/a", &["1"])];
    let mut untyped = part("1", "/a", &[]);
    untyped["body"] = json!({});
    for (requests, text) in [
        (many(0), "Invalid batch payload format."),
        (many(21), "Number of requests inside batch exceed the limit."),
        (vec![part("a", "/a", &[]), part("A", "/a", &[])], "Request Id A has to be unique in a batch."),
        (vec![untyped], "Write request id : 1 does not contain Content-Type header or body."),
        (vec![json!({ "id": 1, "method": "GET", "url": "/a" })], "Invalid batch payload format."),
        (
            vec![part("1", "/a", &["1"])],
            "a request depends on an id that the batch does not have, or on itself",
        ),
        (circle.to_vec(), "a request depends on an id that the batch does not have, or on itself"),
    ] {
        let error = read(&requests).unwrap_err();
        assert_eq!(
            (error.status, error.code.as_str(), error.message.as_str()),
            (400, "BadRequest", text)
        );
    }
    for body in ["", "null", "[]", "{}", r#"{"requests":[}"#, r#"{"requests":null}"#] {
        assert_eq!(
            Batch::read(body.as_bytes()).unwrap_err().message,
            "Invalid batch payload format.",
            "{body}"
        );
    }
}
