/**
 * What the policy `default` says in a new store: what every token may do with itself. The paths are those of Vault's
 * own default policy, as far as they exist in a store of any kind.
 */
export const defaultPolicy = `# A token may see, renew and revoke itself.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# It may ask what it is allowed to do.
path "sys/capabilities-self" {
  capabilities = ["update"]
}

path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}

# It may read the entity that stands behind it.
path "identity/entity/id/{{identity.entity.id}}" {
  capabilities = ["read"]
}

path "identity/entity/name/{{identity.entity.name}}" {
  capabilities = ["read"]
}

# Whoever knows the id of a lease may look at it and renew it.
path "sys/leases/lookup" {
  capabilities = ["update"]
}

path "sys/leases/renew" {
  capabilities = ["update"]
}

path "sys/renew" {
  capabilities = ["update"]
}

# Its own cubbyhole, which no other token sees.
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# Wrapping a value, and looking at or opening what was wrapped.
path "sys/wrapping/wrap" {
  capabilities = ["update"]
}

path "sys/wrapping/lookup" {
  capabilities = ["update"]
}

path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}

# Hashing, which needs no secret.
path "sys/tools/hash" {
  capabilities = ["update"]
}

path "sys/tools/hash/*" {
  capabilities = ["update"]
}
`;

/** What the policy `response-wrapping` says: it is no record, so that nothing changes it. Only the store gives it to a token. */
export const wrappingPolicy = `path "cubbyhole/response" {
  capabilities = ["read"]
}

path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}
`;
