"""Microsoft's Graph SDK for Python, pointed at a server on loopback."""

import asyncio
import uuid

import httpx
from kiota_abstractions.authentication import AccessTokenProvider, BaseBearerTokenAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.communications.get_presences_by_user_id.get_presences_by_user_id_post_request_body import (
    GetPresencesByUserIdPostRequestBody,
)
from msgraph.generated.users.item.presence.clear_presence.clear_presence_post_request_body import (
    ClearPresencePostRequestBody,
)
from msgraph.generated.users.item.presence.set_presence.set_presence_post_request_body import (
    SetPresencePostRequestBody,
)
from msgraph.generated.users.item.presence.set_user_preferred_presence.set_user_preferred_presence_post_request_body import (
    SetUserPreferredPresencePostRequestBody,
)
from msgraph.graph_request_adapter import options
from msgraph_core import GraphClientFactory


class OneToken(AccessTokenProvider):
    def __init__(self, token):
        self.token = token

    async def get_authorization_token(self, uri, additional_authentication_context={}):
        return self.token

    def get_allowed_hosts_validator(self):
        return None


class Graph:
    """The SDK with one token, as one user (`/me`) or as an application (`/users/{id}`)."""

    def __init__(self, server, token, user=None, root="v1.0"):
        self.answers = []
        http = GraphClientFactory.create_with_default_middleware(
            client=httpx.AsyncClient(event_hooks={"response": [self.keep]}), options=options
        )
        provider = BaseBearerTokenAuthenticationProvider(OneToken(token))
        adapter = GraphRequestAdapter(provider, http)
        adapter.base_url = f"{server.url}/{root}"
        self.loop, self.http, self.client = asyncio.new_event_loop(), http, GraphServiceClient(request_adapter=adapter)
        self.user = user
        self.person = self.client.users.by_user_id(user) if user else self.client.me

    async def keep(self, response):
        self.answers.append(response)

    def close(self):
        self.loop.run_until_complete(self.http.aclose())
        self.loop.close()

    def _run(self, call, at):
        """Makes a call at the time that the header `x-now` names."""
        configuration = RequestConfiguration()
        configuration.headers.add("x-now", at)
        configuration.headers.add("client-request-id", str(uuid.uuid4()))
        return self.loop.run_until_complete(call(configuration))

    def set(self, at, session, availability, activity, duration=None):
        body = SetPresencePostRequestBody(
            session_id=session, availability=availability, activity=activity, expiration_duration=duration
        )
        self._run(lambda how: self.person.presence.set_presence.post(body, how), at)

    def clear(self, at, session):
        body = ClearPresencePostRequestBody(session_id=session)
        self._run(lambda how: self.person.presence.clear_presence.post(body, how), at)

    def prefer(self, at, availability, activity, duration=None):
        body = SetUserPreferredPresencePostRequestBody(
            availability=availability, activity=activity, expiration_duration=duration
        )
        self._run(lambda how: self.person.presence.set_user_preferred_presence.post(body, how), at)

    def unprefer(self, at):
        self._run(self.person.presence.clear_user_preferred_presence.post, at)

    def presence(self, at):
        return pair(self._run(self.person.presence.get, at))

    def presence_by_communications(self, at, user):
        return pair(self._run(self.client.communications.presences.by_presence_id(user).get, at))

    def presences(self, at, users):
        body = GetPresencesByUserIdPostRequestBody(ids=users)
        post = self.client.communications.get_presences_by_user_id.post
        answer = self._run(lambda how: post(body, how), at)
        return [(presence.id, pair(presence)) for presence in answer.value]


def pair(presence):
    return presence.availability, presence.activity
