-- Remember the newest timestamps of families whose jobs lie elsewhere, too.
-- KEYS: as parts/keys.lua. ARGV: each root, as arguments.RegistrationRow packs it.
-- Returns nothing.
-- include: root

for _, packed in ipairs(ARGV) do
  local registration = cmsgpack.unpack(packed)
  register(registration.queue, registration.root)
end
