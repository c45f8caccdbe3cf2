"""What is answered survives `kill -9`, and a restart gives the same state."""

import asyncio
import datetime
import random

import httpx

from load import Client, Commands, record
from oracle import TICK, Replay

START = datetime.datetime(2026, 11, 20, 9)
CALL = {"availability": "Busy", "activity": "InACall", "expirationDuration": "PT1H"}


def clock(minutes):
    return (START + datetime.timedelta(minutes=minutes)).isoformat() + "Z"


def states(server, users, at):
    """Why each user has its presence: all sessions and the preference, with their starts and ends."""
    with httpx.Client(base_url=server.url, headers={"x-now": at}) as http:
        found = {user: http.get(f"/why/{user}").json()["explanation"] for user in users}
    return {user: why for user, why in found.items() if why["reason"] != "noSession" or why["waiting"]}


def test_a_command_that_was_answered_survives_kill_9_at_once_after(start_server):
    server = start_server()
    for number in range(10):
        path = f"{server.url}/v1.0/users/ana/presence/setPresence"
        answer = httpx.post(path, json=CALL | {"sessionId": f"session {number}"})
        server.kill()
        assert answer.status_code == 200
        server.start()
    others = httpx.get(f"{server.url}/why/ana").json()["explanation"]["others"]
    assert len(others) == 9, others


def test_the_state_after_many_kills_is_that_of_all_that_was_answered(start_server, say):
    """Eight clients, each with users of its own, so that the order of all commands for a user is known. Time stands
    still within a round, so that a command that is repeated, because its answer was lost, changes nothing. There are
    enough commands for both shards to be stored, and for the log to lose what they contain."""
    server, dice, kills = start_server("--clock", "header", "--shards", "2"), random.Random(13), 0
    clients = [Commands(13, f"client-{n}", [f"client-{n}-user-{m}" for m in range(20)]) for n in range(8)]
    users = [user for commands in clients for user in commands.users]
    log, answered = [], []

    async def play(commands, at):
        client = Client([server.port], {"x-now": at})
        for _ in range(360):
            user, action, body = next(commands)
            answer = await client.send(user, action, body)
            answered.append((len(log), record(commands.name, user, action, body, *answer)))
            log.append((at, user, {action: body}))
        client.close()

    async def play_round(at):
        nonlocal kills
        players = asyncio.gather(*(play(commands, at) for commands in clients))
        while not players.done():
            await asyncio.sleep(dice.uniform(0.02, 0.2))
            server.kill()
            kills += 1
            await asyncio.to_thread(server.start)
        await players

    minutes = 0
    for _ in range(12):
        minutes += dice.choice([1, 4, 6, 30, 61])
        log.append((clock(minutes), "", TICK))
        asyncio.run(play_round(clock(minutes)))
        expected = Replay(log)
        assert states(server, users, clock(minutes)) == expected.explanations
    assert kills >= 10
    say(f"durability: {kills} kills among {len(answered)} commands")

    for number, result in answered:
        lost_answer = result["status"] == 404 and result["attempts"] > 1
        assert result["status"] == expected.status[number] or lost_answer, result
    assert {200, 404} == set(expected.status.values())


def test_a_restart_in_peace_keeps_everything(start_server):
    server = start_server()
    users = [f"user {number}" for number in range(500)]
    with httpx.Client(base_url=f"{server.url}/v1.0") as http:
        for user in users:
            body = CALL | {"sessionId": "phone"}
            assert http.post(f"/users/{user}/presence/setPresence", json=body).status_code == 200
    before = states(server, users, clock(0))
    assert server.stop() == 0
    known = len(server.said())
    server.start()
    assert states(server, users, clock(0)) == before and len(before) == len(users)
    assert "500" in server.said()[known:], "it says how many users it has restored"


def test_a_restart_ticks_once_so_that_what_ended_meanwhile_is_over(start_server):
    server = start_server("--clock", "header")
    with httpx.Client(base_url=server.url) as http:
        body = CALL | {"sessionId": "phone"}
        http.post("/v1.0/users/ana/presence/setPresence", json=body, headers={"x-now": clock(0)})
        server.kill()
        server.start()
        read = lambda at: http.get("/v1.0/users/ana/presence", headers={"x-now": at}).json()["activity"]
        assert read(clock(59)) == "InACall"
        server.kill()
        server.start()
        assert read(clock(60)) == "Offline"
