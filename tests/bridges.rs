//! What the page `docs::coming_from` says of other systems, as far as it can be tested.

mod common;

use common::{apply, at, just_before, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, CommandError, ExpirationError, PreferredPresence, Presence,
    PresenceDirectory, PresenceModel, SessionExpiration, SessionPresence, SetPreferred, SetSession,
    SignedDuration,
};

#[test]
fn claims_and_preferences_are_those_of_the_page() {
    let words = |presences: &[Presence]| {
        let words: Vec<_> = presences.iter().map(|presence| presence.activity().as_str()).collect();
        words.join(", ")
    };
    let claims: Vec<_> = SessionPresence::ALL.iter().map(|claim| claim.presence()).collect();
    let preferences: Vec<_> =
        PreferredPresence::ALL.iter().map(|preferred| preferred.presence()).collect();
    let row = format!("| can be | {} | {} |", words(&claims), words(&preferences));
    assert!(include_str!("../src/docs/coming_from.md").contains(&row), "{row}");
}

/// S6, S8: "busy" from a phone, as a claim.
#[test]
fn a_claim_ends_with_the_phone() {
    let mut ana = PresenceModel::new();
    apply(&mut ana, set("phone", SessionPresence::InACall, "PT5M"), at("09:00"));
    assert_eq!(ana.presence(just_before(at("09:05"))), Presence::InACall);
    assert_eq!(ana.presence(at("09:05")), Presence::Offline);
}

/// U2, U6: "busy" from a phone, as a preference. The user takes a laptop on the next morning.
#[test]
fn a_preference_from_a_phone_that_is_gone_stays_until_tomorrow() {
    let mut ana = PresenceModel::new();
    apply(&mut ana, set("phone", SessionPresence::Available, "PT5M"), at("09:00"));
    apply(&mut ana, SetPreferred::new(PreferredPresence::Busy), at("09:00"));
    assert_eq!(ana.presence(at("09:05")), Presence::Offline);
    apply(&mut ana, set("laptop", SessionPresence::Available, "PT4H"), at("32:58"));
    assert_eq!(ana.presence(just_before(at("33:00"))), Presence::Busy);
    assert_eq!(ana.presence(at("33:00")), Presence::Available);
}

/// U4, U6: the preference is set again with each refresh, for as long.
#[test]
fn a_preference_with_the_lifetime_of_the_session_ends_when_the_phone_is_gone() {
    let mut ana = PresenceModel::new();
    apply(&mut ana, set("laptop", SessionPresence::Away, "PT4H"), at("09:00"));
    for clock in ["09:00", "09:02", "09:04"] {
        apply(&mut ana, set("phone", SessionPresence::Available, "PT5M"), at(clock));
        apply(&mut ana, prefer(PreferredPresence::DoNotDisturb, "PT5M"), at(clock));
    }
    assert_eq!(ana.presence(just_before(at("09:09"))), Presence::DoNotDisturb);
    assert_eq!(ana.presence(at("09:09")), Presence::Away);
}

/// U4
#[test]
fn two_phones_replace_each_others_preference() {
    let mut ana = PresenceModel::new();
    for (phone, preferred) in
        [("home", PreferredPresence::DoNotDisturb), ("work", PreferredPresence::Busy)]
    {
        apply(&mut ana, set(phone, SessionPresence::Available, "PT1H"), at("09:00"));
        apply(&mut ana, SetPreferred::new(preferred), at("09:00"));
    }
    assert_eq!(ana.presence(at("09:01")), Presence::Busy);
    assert_eq!(apply(&mut ana, ClearPreferred, at("09:02")), Presence::Available);
}

/// P2: there is no priority, so a resource of a negative one counts too.
#[test]
fn every_session_counts_and_only_the_claim_decides() {
    for order in [["bot", "phone"], ["phone", "bot"]] {
        let mut juliet = PresenceModel::new();
        for resource in order {
            let claim =
                if resource == "bot" { SessionPresence::Available } else { SessionPresence::Away };
            apply(&mut juliet, set(resource, claim, "PT1H"), at("09:00"));
        }
        assert_eq!(juliet.presence(at("09:00")), Presence::Available);
    }
}

/// S7: idle since 09:00, with an open stream.
#[test]
fn a_session_that_is_not_refreshed_while_its_user_is_idle_fades() {
    let mut juliet = PresenceModel::new();
    apply(&mut juliet, set("balcony", SessionPresence::Available, "PT1H"), at("09:00"));
    assert_eq!(juliet.presence(at("09:05")), Presence::AvailableInactive);
    assert_eq!(juliet.presence(at("09:10")), Presence::Away);

    // With the default lifetime it is gone before it has faded.
    let mut romeo = PresenceModel::new();
    apply(&mut romeo, SetSession::new("garden", SessionPresence::Available), at("09:00"));
    assert_eq!(romeo.presence(at("09:05")), Presence::Offline);

    // A phone that refreshes by itself never fades.
    for minute in (4..60).step_by(4) {
        let clock = format!("09:{minute:02}");
        apply(&mut juliet, set("balcony", SessionPresence::Available, "PT1H"), at(&clock));
        assert_eq!(juliet.presence(at(&clock) + SignedDuration::minutes(4)), Presence::Available);
    }
}

/// S5: in seconds, as `Expires` has them.
#[test]
fn an_expires_of_300_to_14400_is_a_lifetime_and_no_other_is() {
    for (expires, is_lifetime) in
        [(0, false), (299, false), (300, true), (14_400, true), (14_401, false)]
    {
        let lifetime = SessionExpiration::new(SignedDuration::seconds(expires));
        assert_eq!(lifetime.is_ok(), is_lifetime, "{expires}");
        assert!(is_lifetime || lifetime == Err(ExpirationError::OutOfRange));
    }
    assert_eq!(SessionExpiration::MIN.duration(), SignedDuration::seconds(300));
    assert_eq!(SessionExpiration::MAX.duration(), SignedDuration::seconds(14_400));
}

/// S2, S11
#[test]
fn a_late_refresh_creates_the_session_again_and_a_late_removal_is_not_found() {
    let mut ana = PresenceModel::new();
    apply(&mut ana, set("phone", SessionPresence::InACall, "PT5M"), at("09:00"));
    assert_eq!(ana.sessions(at("09:05")).count(), 0); // answer 412
    assert_eq!(ana.apply(ClearSession::new("phone"), at("09:05")), Err(CommandError::SessionNotFound));
    apply(&mut ana, set("phone", SessionPresence::InACall, "PT5M"), at("09:06"));
    assert_eq!(ana.presence(at("09:06")), Presence::InACall);
}

/// P5
#[test]
fn of_several_activities_the_strongest_is_the_maximum() {
    let person = [Presence::Away, Presence::InAConferenceCall, Presence::InACall];
    assert_eq!(person.into_iter().max(), Some(Presence::InAConferenceCall));
}

/// U8: Matrix's `offline` for all devices.
#[test]
fn a_user_who_is_hidden_on_all_devices_shows_offline() {
    let mut ana = PresenceModel::new();
    apply(&mut ana, set("A", SessionPresence::Available, "PT1H"), at("09:00"));
    apply(&mut ana, set("B", SessionPresence::InACall, "PT1H"), at("09:00"));
    assert_eq!(
        apply(&mut ana, SetPreferred::new(PreferredPresence::OffWork), at("09:01")),
        Presence::OffWork
    );
    let latest = ana.sessions(at("09:30")).map(|session| session.since).max();
    assert_eq!(latest.map(|since| at("09:30") - since), Some(SignedDuration::minutes(30)));
}

/// Each effective presence stands once in each table of what is sent.
#[test]
fn every_presence_is_sent_to_every_system() {
    let page = include_str!("../src/docs/coming_from.md").replace("\r\n", "\n");
    let tables: Vec<_> = page.split("\n| effective presence |").skip(1).collect();
    assert_eq!(tables.len(), 3);
    for table in tables {
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let cells = rows.filter_map(|row| row.split('|').nth(1));
        let mut sent: Vec<_> = cells.flat_map(|cell| cell.split(',').map(str::trim)).collect();
        let mut all: Vec<_> =
            Presence::ALL.iter().map(|presence| presence.activity().as_str()).collect();
        sent.sort_unstable();
        all.sort_unstable();
        assert_eq!(sent, all);
    }
}

/// P4: an agent on a break, whose desktop has stopped.
#[test]
fn a_break_shows_nothing_while_no_session_lives() {
    let mut agent = PresenceModel::new();
    apply(&mut agent, set("desktop", SessionPresence::Available, "PT5M"), at("12:00"));
    apply(&mut agent, prefer(PreferredPresence::BeRightBack, "PT30M"), at("12:00"));
    assert_eq!(agent.presence(just_before(at("12:05"))), Presence::BeRightBack);
    assert_eq!(agent.presence(at("12:05")), Presence::Offline);
    // The next log-in.
    assert_eq!(
        apply(&mut agent, set("desktop", SessionPresence::Available, "PT5M"), at("12:10")),
        Presence::BeRightBack
    );
}

/// T2
#[test]
fn a_refresh_period_that_equals_the_lifetime_shows_offline_at_every_refresh() {
    let session = SetSession::new("desktop", SessionPresence::Available);
    let lifetime = session.expiration.duration();
    assert_eq!(published(session, lifetime), 1 + 2 * 11);
    assert_eq!(published(session, session.refresh_interval()), 1);
    assert_eq!(session.refresh_interval() * 3, lifetime);
}

/// Refreshes a session for an hour, and returns how many changes a server publishes.
fn published(session: SetSession<&'static str>, period: SignedDuration) -> usize {
    let mut users = PresenceDirectory::<&str, &str>::new();
    let (mut now, mut changes) = (at("09:00"), 0);
    while now < at("10:00") {
        while users.tick(now).is_some() {
            changes += 1;
        }
        changes += usize::from(users.apply(&"agent", session, now).unwrap().changed().is_some());
        now += period;
    }
    changes
}
