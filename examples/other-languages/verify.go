// Checks tokens in Go: go get github.com/golang-jwt/jwt/v5 github.com/MicahParks/keyfunc/v3 golang.org/x/time
package verify

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

const issuer, audience = "https://login.example", "devices"

type Claims struct {
	CustomerID string `json:"customer_id"`
	jwt.RegisteredClaims
}

var parser = jwt.NewParser(
	jwt.WithValidMethods([]string{"RS256", "ES256", "EdDSA"}), jwt.WithStrictDecoding(),
	jwt.WithIssuer(issuer), jwt.WithAudience(audience),
	jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(5*time.Second),
)

// Keys fetches the keys every five minutes until ctx ends, and at an unknown kid, once in 30 s.
func Keys(ctx context.Context) (keyfunc.Keyfunc, error) {
	return keyfunc.NewDefaultOverrideCtx(ctx, []string{issuer + "/.well-known/jwks.json"}, keyfunc.Override{
		RefreshInterval:   5 * time.Minute,
		RefreshUnknownKID: rate.NewLimiter(rate.Every(30*time.Second), 1),
		RateLimitWaitMax:  time.Millisecond,
	})
}

// ErrNoKeys is no fault of the token: answer 503. Any other error of Verify is a 401.
var ErrNoKeys = errors.New("the keys of the issuer are not available")

func Verify(keys keyfunc.Keyfunc, text string) (*Claims, error) {
	if len(text) > 8192 {
		return nil, errors.New("this is not a login token")
	}
	claims := &Claims{}
	token, err := parser.ParseWithClaims(text, claims, keys.Keyfunc)
	if known, _ := keys.Storage().KeyReadAll(context.Background()); len(known) == 0 {
		return nil, ErrNoKeys
	}
	if err != nil {
		return nil, err
	}
	typ := token.Header["typ"] // the gateway's setting TOKEN_TYPE
	if typ != "JWT" && typ != "at+jwt" || token.Header["crit"] != nil || claims.Subject == "" || claims.CustomerID == "" {
		return nil, errors.New("this is not a login token")
	}
	return claims, nil
}

// RequireToken calls next with the claims of a valid token, or answers 401 or 503.
func RequireToken(keys keyfunc.Keyfunc, next func(http.ResponseWriter, *http.Request, *Claims)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		claims, err := Verify(keys, r.Header.Get("x-access-token"))
		if errors.Is(err, ErrNoKeys) {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		} else if err != nil {
			http.Error(w, "log in again", http.StatusUnauthorized)
		} else {
			next(w, r, claims)
		}
	}
}
