package gallery

import "fmt"

// Lend derives a key of 32 bytes for records other than a gallery's, so that they need no keys of their own. The use names
// them, and tells their keys from every other use's. The id is the active key's where it is empty, which is returned; one that
// the keyring has not gives [ErrWrongKey].
func (k *Keyring) Lend(id, use string) (keyID string, key []byte, err error) {
	if id == "" {
		id = k.active
	}
	master, ok := k.keys[id]
	if !ok {
		return id, nil, fmt.Errorf("%w: key %q is wanted, the keyring has %q; add that key", ErrWrongKey, id, k.IDs())
	}
	return id, derive(master, "lent: "+use), nil
}
