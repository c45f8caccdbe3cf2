"""Microsoft's Graph SDK for Python, pointed at a server: reads a call from each line, and prints what came of it."""

import asyncio
import json
import sys
from functools import cache

from kiota_abstractions.authentication import AccessTokenProvider, BaseBearerTokenAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.communications.get_presences_by_user_id.get_presences_by_user_id_post_request_body import (
    GetPresencesByUserIdPostRequestBody,
)
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.users.item.presence.clear_presence.clear_presence_post_request_body import (
    ClearPresencePostRequestBody,
)
from msgraph.generated.users.item.presence.set_presence.set_presence_post_request_body import (
    SetPresencePostRequestBody,
)
from msgraph.generated.users.item.presence.set_user_preferred_presence.set_user_preferred_presence_post_request_body import (
    SetUserPreferredPresencePostRequestBody,
)


class Tokens(AccessTokenProvider):
    """The token of the call that is made."""

    token = None

    async def get_authorization_token(self, uri, additional_authentication_context={}):
        return self.token

    def get_allowed_hosts_validator(self):
        return None


TOKENS = Tokens()


@cache
def client(root):
    adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(TOKENS))
    adapter.base_url = root
    return GraphServiceClient(request_adapter=adapter)


async def run(root, token, name, headers, body, user=None):
    """Returns the presences that were read."""
    TOKENS.token, graph = token, client(root)
    action = name.removeprefix("communications/")
    if action != name:
        person = graph.communications.presences.by_presence_id(user)
    else:
        person = (graph.users.by_user_id(user) if user else graph.me).presence
    how = RequestConfiguration()
    for header, value in headers.items():
        how.headers.add(header, value)
    duration = body.get("expirationDuration")
    match action:
        case "setPresence":
            await person.set_presence.post(SetPresencePostRequestBody(
                session_id=body.get("sessionId"), availability=body["availability"], activity=body["activity"],
                expiration_duration=duration), how)
        case "clearPresence":
            await person.clear_presence.post(ClearPresencePostRequestBody(session_id=body.get("sessionId")), how)
        case "setUserPreferredPresence":
            await person.set_user_preferred_presence.post(SetUserPreferredPresencePostRequestBody(
                availability=body["availability"], activity=body["activity"], expiration_duration=duration), how)
        case "clearUserPreferredPresence":
            await person.clear_user_preferred_presence.post(how)
        case "presence":
            return [await person.get(how)]
        case "getPresencesByUserId":
            post = graph.communications.get_presences_by_user_id.post
            return (await post(GetPresencesByUserIdPostRequestBody(ids=body["ids"]), how)).value
    return []


async def result(call):
    try:
        presences = await run(**call)
        return {"presences": [(presence.id, presence.availability, presence.activity) for presence in presences]}
    except ODataError as thrown:
        error, inner = thrown.error, thrown.error.inner_error
        return {"status": thrown.response_status_code, "code": error.code, "message": error.message,
                "requestId": inner.request_id, "clientRequestId": inner.client_request_id, "date": inner.date.isoformat()}
    except Exception as thrown:
        return {"failure": repr(thrown)}


async def main():
    for line in sys.stdin:
        print(json.dumps(await result(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
