-- Line the jobs up again, if they are held and nobody asked to cancel them; the attempt did not count.
-- KEYS: as parts/keys.lua. ARGV: each release, as arguments.BackRow packs it.
-- Returns 'held', 'lost' or 'cancel asked' each; only a held one was moved.
-- include: even_full
-- include: give_back

local answers = {}
for i, packed in ipairs(ARGV) do
  local release = cmsgpack.unpack(packed)
  local job = read_held(release)
  answers[i] = not job and 'lost' or job.cancel_requested and 'cancel asked' or 'held'
  if answers[i] == 'held' then give_back(job, release.after, {'attempt', job.attempt - 1}) end
end
return written(answers)
