//! A directory as a map from users to models.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::RandomState;
use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{at, prefer, set};
use presence_core::{PreferredPresence, Presence, PresenceDirectory, SessionPresence, UserHashBuilder};

#[test]
fn the_presences_of_a_list_say_how_many_are_left() {
    let users = PresenceDirectory::<u32, u32>::new();
    let ids: Vec<_> = (0..40).collect();
    let mut presences = users.presences(&ids, at("09:00"));
    for left in (0..=40).rev() {
        assert_eq!(presences.size_hint(), (left, Some(left)));
        assert_eq!(presences.next().is_some(), left > 0);
    }
    let filtered = users.presences(ids.iter().filter(|id| **id < 7), at("09:00"));
    assert_eq!(filtered.size_hint(), (0, Some(40)));
}

#[test]
fn contains_says_whether_a_user_is_stored() {
    let mut users = crowd(2);
    assert_eq!([0, 1, 2].map(|user| users.contains(&user)), [true, true, false]);
    assert!(users.remove(&1).is_some());
    assert!(!users.contains(&1));
    // A user whose session has ended is stored until that is reported.
    assert_eq!(users.presence(&0, at("13:00")), Presence::Offline);
    assert!(users.contains(&0));
    assert!(users.tick(at("13:00")).is_some());
    assert!(!users.contains(&0));
}

#[test]
fn users_are_found_by_borrowed_ids() {
    let mut users = PresenceDirectory::<String, String>::new();
    let call = set("phone".to_owned(), SessionPresence::InACall, "PT1H");
    let _ = users.apply("ana", call, at("09:00")).unwrap();
    assert!(users.contains("ana") && users.get("ana").is_some());
    let presences = users.presences(["ana", "bob"], at("09:00"));
    assert_eq!(presences.collect::<Vec<_>>(), [Presence::InACall, Presence::Offline]);
    assert!(users.remove("ana").is_some() && users.is_empty());
}

#[test]
fn retain_keeps_the_users_for_whom_it_returns_true() {
    let mut users = crowd(100);
    let _ = users.apply(&7, set(1, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
    users.retain(|user, model| user % 10 == 0 || model.sessions(at("09:00")).count() == 2);
    let expected: Vec<_> = (0..100).step_by(10).chain([7]).collect();
    assert_eq!(users.len(), 11);
    assert!(expected.iter().all(|user| users.contains(user)));

    // It reports nothing. The users that are left change as before.
    assert_eq!(users.tick(at("09:00")), None);
    let changes: Vec<_> = users.changes_until(at("13:00")).map(|(at, user, _)| (at, user)).collect();
    let mut expected: Vec<_> = (0..100).step_by(10).map(|user| (at("13:00"), user)).collect();
    expected.insert(0, (at("10:00"), 7));
    expected.insert(2, (at("13:00"), 7));
    assert_eq!(changes, expected);
}

#[test]
fn clear_removes_all_users() {
    let mut users = crowd(100);
    users.clear();
    assert_eq!((users.len(), users.iter().count(), users.contains(&7)), (0, 0, false));
    assert_eq!(users.presence(&7, at("09:00")), Presence::Offline);
    assert_eq!((users.tick(at("13:00")), users.next_deadline()), (None, None));
    let _ = users.apply(&7, set(0, SessionPresence::Away, "PT1H"), at("13:00")).unwrap();
    assert_eq!((users.len(), users.next_deadline()), (1, Some(at("14:00"))));
}

/// T5: a step is still measured from the latest update.
#[test]
fn a_directory_that_was_cleared_keeps_its_time() {
    let mut users = crowd(1);
    assert_eq!(users.tick(at("10:00")), None);
    users.clear();
    let _ = users.apply(&7, set(0, SessionPresence::Away, "PT1H"), at("09:58")).unwrap();
    assert_eq!(users.tick(at("09:57")), None);
    assert_eq!(users.next_deadline(), Some(at("10:57")));
}

/// The users that it was called for before are removed or kept, as it said.
#[test]
fn a_directory_goes_on_if_the_predicate_of_retain_panics() {
    for visits in [0, 1, 50, 99] {
        let mut users = crowd(100);
        let mut left: BTreeSet<u32> = (0..100).collect();
        let mut visited = 0;
        let result = catch_unwind(AssertUnwindSafe(|| {
            users.retain(|user, _| {
                assert!(visited < visits, "a predicate that panics");
                visited += 1;
                user.is_multiple_of(3) || !left.remove(user)
            });
        }));
        assert!(result.is_err());
        assert_eq!((users.len(), users.iter().count()), (left.len(), left.len()), "{visits}");
        assert_eq!(users.is_empty(), left.is_empty());
        assert!((0..100).all(|user| users.contains(&user) == left.contains(&user)));
        for user in 200..300 {
            let _ = users.apply(&user, set(0, SessionPresence::Away, "PT4H"), at("09:00")).unwrap();
        }
        let reported: Vec<_> = users.changes_until(at("13:00")).map(|(_, user, _)| user).collect();
        assert!(reported.into_iter().eq(left.into_iter().chain(200..300)));
        assert!(users.is_empty() && users.next_deadline().is_none());
    }
}

#[test]
fn iteration_yields_every_user_once() {
    let users = crowd(100);
    let models: BTreeMap<_, _> = (&users).into_iter().collect();
    assert_eq!(models.len(), 100);
    assert!(models.iter().all(|(user, model)| users.get(user) == Some(*model)));
    assert!(users.iter().eq(&users));

    let mut iter = users.iter();
    assert_eq!((iter.len(), iter.size_hint()), (100, (100, Some(100))));
    let first = iter.next();
    assert_eq!((iter.len(), iter.clone().count()), (99, 99));
    assert_eq!(first, users.iter().next());
    assert_eq!(iter.by_ref().count(), 99);
    assert_eq!((iter.next(), iter.next()), (None, None), "it is fused");

    let mut count = 0;
    for (user, model) in &users {
        assert_eq!(users.get(user), Some(model));
        count += 1;
    }
    assert_eq!(count, users.len());
}

#[test]
fn owned_iteration_yields_every_user_and_its_model() {
    let users = crowd(100);
    let mut owned = users.clone().into_iter();
    assert_eq!((owned.len(), owned.size_hint()), (100, (100, Some(100))));
    let (user, model) = owned.next().unwrap();
    assert_eq!((users.get(&user), owned.len()), (Some(&model), 99));

    let mut restored = PresenceDirectory::new();
    for (user, model) in users.clone() {
        assert_eq!(restored.insert(user, model, at("09:00")), None);
    }
    assert_eq!(restored.len(), 100);
    assert!(users.iter().all(|(user, model)| restored.get(user) == Some(model)));
    assert_eq!(restored.next_deadline(), users.next_deadline());
}

/// A map, so that a failed assertion can be read. Nothing else of the directory is in it.
#[test]
fn debug_shows_the_users_and_their_models() {
    let mut users = PresenceDirectory::<&str, u8>::new();
    assert_eq!(format!("{users:?}"), "{}");
    let _ = users.apply(&"ana", set(1, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
    let ana = format!("{:?}", users.get(&"ana").unwrap());
    assert!(ana.contains("Busy/InACall since 2026-11-20T09:00:00Z for PT1H"), "{ana}");
    assert!(ana.contains("reported: InACall"), "{ana}");
    assert_eq!(format!("{users:?}"), format!("{{\"ana\": {ana}}}"));
    assert_eq!(format!("{:?}", users.iter()), format!("[(\"ana\", {ana})]"));

    let _ = users.apply(&"bob", prefer(PreferredPresence::Busy, "PT1H"), at("09:00")).unwrap();
    let bob = format!("{:?}", users.get(&"bob").unwrap());
    assert!(bob.contains("Busy/Busy since 2026-11-20T09:00:00Z for PT1H"), "{bob}");
    let text = format!("{users:?}");
    assert_eq!(text.len(), format!("{{\"ana\": {ana}, \"bob\": {bob}}}").len(), "{text}");
    assert!(text.contains(&format!("\"bob\": {bob}")), "{text}");
    assert_eq!(format!("{:?}", users.into_iter()), "IntoIter { len: 2, .. }");
}

#[test]
fn a_clone_is_independent() {
    let mut users = crowd(3);
    let clone = users.clone();
    assert!(users.remove(&0).is_some());
    let _ = users.apply(&1, set(0, SessionPresence::InACall, "PT1H"), at("09:01")).unwrap();
    assert!(users.tick(at("13:00")).is_some());
    assert_eq!((clone.len(), clone.next_deadline()), (3, Some(at("13:00"))));
    assert_eq!(clone.presence(&1, at("09:01")), Presence::Away);
}

#[test]
fn a_default_directory_is_empty() {
    let users = PresenceDirectory::<u32, u8>::default();
    assert!(users.is_empty() && users.next_deadline().is_none());
    let users = PresenceDirectory::<u32, u8, RandomState>::default();
    assert!(users.is_empty() && users.next_deadline().is_none());
    let users = PresenceDirectory::<u32, u8, _>::with_hasher(UserHashBuilder::default());
    assert!(users.is_empty() && users.next_deadline().is_none());
}

/// Ids and hashers need no traits.
#[test]
fn methods_without_a_look_up_need_no_bounds() {
    struct Id;
    struct Hasher;
    fn reads<U, S, H>(users: &PresenceDirectory<U, S, H>) -> (usize, bool, usize, bool) {
        (users.len(), users.is_empty(), users.iter().count(), users.next_deadline().is_some())
    }
    fn shows<U: Debug, S: Debug, H>(users: &PresenceDirectory<U, S, H>) -> String {
        format!("{users:?}")
    }
    let users = PresenceDirectory::<Id, Id, Hasher>::with_hasher(Hasher);
    assert_eq!(reads(&users), (0, true, 0, false));
    assert_eq!(users.into_iter().count(), 0);
    assert_eq!(shows(&PresenceDirectory::<u8, u8, Hasher>::with_hasher(Hasher)), "{}");
}

/// Returns users from 0 on that are away until 13:00.
fn crowd(users: u32) -> PresenceDirectory<u32, u8> {
    let mut directory = PresenceDirectory::new();
    for user in 0..users {
        let _ = directory.apply(&user, set(0, SessionPresence::Away, "PT4H"), at("09:00")).unwrap();
    }
    directory
}
