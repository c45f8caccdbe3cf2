//! Which resource a path names.

use presence_graph_server::path::{Action, Resource, User};

fn parse(path: &str) -> Result<Resource, u16> {
    Resource::parse(path).map_err(|error| error.status)
}

fn ana() -> User {
    User::Id("ana".to_owned())
}

const ACTIONS: [(&str, Action); 4] = [
    ("setPresence", Action::SetPresence),
    ("clearPresence", Action::ClearPresence),
    ("setUserPreferredPresence", Action::SetUserPreferredPresence),
    ("clearUserPreferredPresence", Action::ClearUserPreferredPresence),
];

#[test]
fn a_presence_and_its_actions_have_many_paths() {
    for (path, user) in [
        ("/me/presence", User::Me),
        ("/users/ana/presence", ana()),
        ("/users('ana')/presence", ana()),
        ("/users(%27ana%27)/presence", ana()),
        ("/communications/presences/ana", ana()),
        ("/communications/presences('ana')", ana()),
    ] {
        for version in ["/v1.0", "/beta", "/V1.0", "/Beta"] {
            let path = format!("{version}{path}");
            assert_eq!(parse(&path), Ok(Resource::Presence(user.clone())), "{path}");
            for (name, action) in ACTIONS {
                for namespace in ["", "microsoft.graph.", "Microsoft.Graph."] {
                    let path = format!("{path}/{namespace}{name}");
                    let expected = Resource::Action(user.clone(), action);
                    assert_eq!(parse(&path), Ok(expected), "{path}");
                }
            }
        }
    }
}

#[test]
fn other_resources_have_their_paths() {
    for (path, resource) in [
        ("/v1.0/communications/getPresencesByUserId", Resource::Presences),
        ("/v1.0/communications/getPresencesByUserID", Resource::Presences),
        ("/v1.0/communications/microsoft.graph.getPresencesByUserId", Resource::Presences),
        ("/beta/communications/presences/changes", Resource::Changes),
        ("/v1.0/$batch", Resource::Batch),
        ("/beta/%24batch", Resource::Batch),
        ("/v1.0/subscriptions", Resource::Missing),
        ("/v1.0/subscriptions/7", Resource::Missing),
        ("/v1.0/me/presence/setStatusMessage", Resource::Missing),
        ("/v1.0/users/ana/presence/microsoft.graph.setManualLocation", Resource::Missing),
        ("/why/ana", Resource::Why(ana())),
    ] {
        assert_eq!(parse(path), Ok(resource), "{path}");
    }
}

#[test]
fn names_have_no_case_and_ids_do() {
    for path in
        ["/V1.0/USERS/Ana/PRESENCE", "/v1.0/Users('Ana')/Presence", "/beta/Communications/Presences/Ana"]
    {
        assert_eq!(parse(path), Ok(Resource::Presence(User::Id("Ana".to_owned()))), "{path}");
    }
    // This long s is no ASCII letter, and so it is another letter.
    assert_eq!(parse("/v1.0/u\u{17f}ers/ana/presence"), Err(404));
}

#[test]
fn ids_are_any_text() {
    for (segment, id) in [
        ("", ""),
        ("me", "me"),
        ("ana+bob", "ana+bob"),
        ("ana%2Bbob", "ana+bob"),
        ("ana%2fbob", "ana/bob"),
        ("%2e%2e", ".."),
        ("100%", "100%"),
        ("%2541", "%41"),
        ("%F0%9F%98%80", "😀"),
        ("users('ana')", "users('ana')"),
        ("presence", "presence"),
        ("changes", "changes"),
    ] {
        let path = format!("/v1.0/users/{segment}/presence");
        assert_eq!(parse(&path), Ok(Resource::Presence(User::Id(id.to_owned()))), "{path}");
        let path = format!("/v1.0/communications/presences('{segment}')");
        let keyed = if id == "users('ana')" {
            Err(404)
        } else {
            Ok(Resource::Presence(User::Id(id.to_owned())))
        };
        assert_eq!(parse(&path), keyed, "{path}");
    }
    let path = "/v1.0/users('o''hara''s')/presence";
    assert_eq!(parse(path), Ok(Resource::Presence(User::Id("o'hara's".to_owned()))));
    let path = "/v1.0/communications/presences/changes/setPresence";
    let changes = User::Id("changes".to_owned());
    assert_eq!(parse(path), Ok(Resource::Action(changes, Action::SetPresence)));
}

#[test]
fn all_other_paths_are_errors() {
    for path in [
        "",
        "/",
        "//",
        "/v1.0",
        "/v1.0/",
        "/v2.0/users/ana/presence",
        "/users/ana/presence",
        "/v1.0//users/ana/presence",
        "/v1.0/users",
        "/v1.0/users/ana",
        "/v1.0/users/ana/photo",
        "/v1.0/users/ana/presence/",
        "/v1.0/users/ana/presence/setPresense",
        "/v1.0/users/ana/presence/setPresence/",
        "/v1.0/users/ana/presence/setPresence/setPresence",
        "/v1.0/users/ana/presence/graph.setPresence",
        "/v1.0/users/ana/presence/microsoft.graph.",
        "/v1.0/users('ana')",
        "/v1.0/users('ana'/presence",
        "/v1.0/users(ana)/presence",
        "/v1.0/users('o'hara')/presence",
        "/v1.0/users('ana')/bob/presence",
        "/v1.0/me",
        "/v1.0/me('ana')/presence",
        "/v1.0/communications",
        "/v1.0/communications('x')/presences/ana",
        "/v1.0/communications/presences",
        "/v1.0/communications/getPresencesByUserId/x",
        "/v1.0/communications/getPresencesByUserId('x')",
        "/v1.0/$batch/x",
        "/v1.0/$batch('x')",
        "/v1.0/why/ana",
        "/v1.0/healthz",
        "/$batch",
        "/why",
        "/why/ana/bob",
        "/healthz",
        "/metrics",
        "/v1%2E0%2Fusers/ana/presence",
    ] {
        assert_eq!(parse(path), Err(404), "{path}");
    }
    for path in ["/v1.0/users/%ff%fe/presence", "/%c3", "/why/%e2%82"] {
        assert_eq!(parse(path), Err(400), "{path}");
    }
}
