// Microsoft's Graph SDK for Go, pointed at a server: reads a call from each line, and prints what came of it.
//
// The SDK's root package only ties its hundred other packages together, and takes longest to compile. So its lines are
// repeated here for the two packages that know of presences.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	kiota "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/authentication"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/microsoft/kiota-abstractions-go/store"
	kiotajson "github.com/microsoft/kiota-serialization-json-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/communications"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

type call struct {
	Root, Token, User, Name string
	Headers                 map[string]string
	Body                    struct {
		SessionId, Availability, Activity, ExpirationDuration *string
		Ids                                                   []string
	}
}

type oneToken string

func (token oneToken) GetAuthorizationToken(context.Context, *url.URL, map[string]any) (string, error) {
	return string(token), nil
}

func (token oneToken) GetAllowedHostsValidator() *authentication.AllowedHostsValidator {
	return nil
}

var adapters = map[[2]string]*core.GraphRequestAdapterBase{}

// Returns an adapter as msgraphsdkgo.NewGraphServiceClient sets it up.
func adapter(root, token string) (*core.GraphRequestAdapterBase, error) {
	if adapter, ok := adapters[[2]string{root, token}]; ok {
		return adapter, nil
	}
	provider := authentication.NewBaseBearerTokenAuthenticationProvider(oneToken(token))
	adapter, err := core.NewGraphRequestAdapterBase(provider, core.GraphClientOptions{})
	if err != nil {
		return nil, err
	}
	kiota.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory {
		return kiotajson.NewJsonSerializationWriterFactory()
	})
	kiota.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory {
		return kiotajson.NewJsonParseNodeFactory()
	})
	adapter.SetBaseUrl(root)
	adapter.EnableBackingStore(store.BackingStoreFactoryInstance)
	adapters[[2]string{root, token}] = adapter
	return adapter, nil
}

// The SDK's ParseISODuration forgets seconds, and its FromDuration does not.
func lifetime(text string) (*serialization.ISODuration, error) {
	hours, found := strings.CutPrefix(text, "PT")
	if !found {
		return serialization.ParseISODuration(text)
	}
	duration, err := time.ParseDuration(strings.ToLower(hours))
	return serialization.FromDuration(duration), err
}

func run(call call) ([]models.Presenceable, error) {
	adapter, err := adapter(call.Root, call.Token)
	if err != nil {
		return nil, err
	}
	parameters := func() map[string]string { return map[string]string{"baseurl": call.Root} }
	headers := kiota.NewRequestHeaders()
	for name, value := range call.Headers {
		headers.Add(name, value)
	}
	var duration *serialization.ISODuration
	if text := call.Body.ExpirationDuration; text != nil {
		if duration, err = lifetime(*text); err != nil {
			return nil, err
		}
	}
	user := call.User
	if user == "" {
		user = "me-token-to-replace"
	}
	path := parameters()
	path["user%2Did"] = user
	person := users.NewUserItemRequestBuilderInternal(path, adapter).Presence()
	all := communications.NewCommunicationsRequestBuilderInternal(parameters(), adapter)
	one := all.Presences().ByPresenceId(call.User)
	ctx, in, second := context.Background(), call.Body, strings.HasPrefix(call.Name, "communications/")

	switch call.Name {
	case "setPresence", "communications/setPresence":
		body := users.NewItemPresenceSetPresencePostRequestBody()
		body.SetSessionId(in.SessionId)
		body.SetAvailability(in.Availability)
		body.SetActivity(in.Activity)
		body.SetExpirationDuration(duration)
		if second {
			how := &communications.PresencesItemSetPresenceRequestBuilderPostRequestConfiguration{Headers: headers}
			return nil, one.SetPresence().Post(ctx, body, how)
		}
		how := &users.ItemPresenceSetPresenceRequestBuilderPostRequestConfiguration{Headers: headers}
		return nil, person.SetPresence().Post(ctx, body, how)
	case "clearPresence", "communications/clearPresence":
		body := users.NewItemPresenceClearPresencePostRequestBody()
		body.SetSessionId(in.SessionId)
		if second {
			how := &communications.PresencesItemClearPresenceRequestBuilderPostRequestConfiguration{Headers: headers}
			return nil, one.ClearPresence().Post(ctx, body, how)
		}
		how := &users.ItemPresenceClearPresenceRequestBuilderPostRequestConfiguration{Headers: headers}
		return nil, person.ClearPresence().Post(ctx, body, how)
	case "setUserPreferredPresence", "communications/setUserPreferredPresence":
		body := users.NewItemPresenceSetUserPreferredPresencePostRequestBody()
		body.SetAvailability(in.Availability)
		body.SetActivity(in.Activity)
		body.SetExpirationDuration(duration)
		if second {
			how := &communications.PresencesItemSetUserPreferredPresenceRequestBuilderPostRequestConfiguration{Headers: headers}
			return nil, one.SetUserPreferredPresence().Post(ctx, body, how)
		}
		how := &users.ItemPresenceSetUserPreferredPresenceRequestBuilderPostRequestConfiguration{Headers: headers}
		return nil, person.SetUserPreferredPresence().Post(ctx, body, how)
	case "clearUserPreferredPresence", "communications/clearUserPreferredPresence":
		if second {
			how := &communications.PresencesItemClearUserPreferredPresenceRequestBuilderPostRequestConfiguration{Headers: headers}
			return nil, one.ClearUserPreferredPresence().Post(ctx, how)
		}
		how := &users.ItemPresenceClearUserPreferredPresenceRequestBuilderPostRequestConfiguration{Headers: headers}
		return nil, person.ClearUserPreferredPresence().Post(ctx, how)
	case "presence":
		how := &users.ItemPresenceRequestBuilderGetRequestConfiguration{Headers: headers}
		presence, err := person.Get(ctx, how)
		return []models.Presenceable{presence}, err
	case "communications/presence":
		how := &communications.PresencesPresenceItemRequestBuilderGetRequestConfiguration{Headers: headers}
		presence, err := one.Get(ctx, how)
		return []models.Presenceable{presence}, err
	case "getPresencesByUserId":
		body := communications.NewGetPresencesByUserIdPostRequestBody()
		body.SetIds(in.Ids)
		how := &communications.GetPresencesByUserIdRequestBuilderPostRequestConfiguration{Headers: headers}
		answer, err := all.GetPresencesByUserId().PostAsGetPresencesByUserIdPostResponse(ctx, body, how)
		if err != nil {
			return nil, err
		}
		return answer.GetValue(), nil
	}
	return nil, fmt.Errorf("no call %s", call.Name)
}

func result(call call) map[string]any {
	presences, err := run(call)
	if odata, ok := err.(*odataerrors.ODataError); ok {
		inner := odata.GetErrorEscaped().GetInnerError()
		return map[string]any{
			"status":          odata.ResponseStatusCode,
			"code":            odata.GetErrorEscaped().GetCode(),
			"message":         odata.GetErrorEscaped().GetMessage(),
			"requestId":       inner.GetRequestId(),
			"clientRequestId": inner.GetClientRequestId(),
			"date":            inner.GetDate().UTC().Format(time.RFC3339),
		}
	} else if err != nil {
		return map[string]any{"failure": err.Error()}
	}
	found := [][]*string{}
	for _, presence := range presences {
		found = append(found, []*string{presence.GetId(), presence.GetAvailability(), presence.GetActivity()})
	}
	return map[string]any{"presences": found}
}

func main() {
	lines, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var call call
		if err := json.Unmarshal(line, &call); err != nil {
			panic(err)
		}
		if err := out.Encode(result(call)); err != nil {
			panic(err)
		}
	}
}
