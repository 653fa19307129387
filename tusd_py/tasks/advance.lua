-- Makes one change of a task: the rule of domain.task.advance, in Redis (requirements S8 to S11).
-- KEYS: the task's hash, the user's set, the task's channel.
-- ARGV: the change, the facts and the time as JSON (every value a string, except numbers that count).
-- Returns the new state as the channel's message, or false when the change was stale.
local new = cjson.decode(ARGV[1])
local rank = {
  pending = 0, received = 1, processing = 2, compressing = 3, uploading_oss = 4, completed = 5,
  failed = 6,
}
local function terminal(status) return rank[status] >= 5 end

local names = {
  'status', 'progress', 'last_progress', 'message', 'attempt', 'seq', 'epoch', 'updated', 'oss_path',
}
local values = redis.pcall('HMGET', KEYS[1], unpack(names))
local old = {}
for index, name in ipairs(names) do old[name] = values[index] end
-- A hash that another program wrote, or that is no state, counts as lost.
local function counts(text) return text and #text < 16 and string.match(text, '^%d+$') end
local readable = rank[old.status] and old.epoch
  and old.updated and string.match(old.updated, '^%d+%.?%d*$')
  and counts(old.progress) and tonumber(old.progress) <= 100
  and counts(old.last_progress) and tonumber(old.last_progress) <= 100
  and counts(old.attempt) and counts(old.seq)
-- A state that is older than its time to live counts as gone, even if Redis still has it.
local known = readable and tonumber(old.updated) >= new.oldest
if known then
  local progress, attempt = tonumber(old.progress), tonumber(old.attempt)
  if new.attempt < attempt then return false end
  if terminal(old.status) then
    -- The file of a completed task may have been processed again.
    local again = new.again and old.status == 'completed' and new.status == 'completed'
      and (new.attempt > attempt or new.fields.oss_path ~= (old.oss_path or ''))
    local reopened = old.status == 'failed' and new.reopen and new.attempt > attempt
    if not (again or reopened) then return false end
  elseif not (terminal(new.status) or new.attempt > attempt) then
    if rank[new.status] < rank[old.status] then return false end
    local moved = new.status ~= old.status or new.progress > progress
    if not (moved or new.message ~= old.message) then return false end
  end
else
  redis.call('DEL', KEYS[1])
  old = {progress = '0', last_progress = '0', seq = '0', epoch = new.epoch}
end

local reached = tonumber(old.progress)
if new.reopen then reached = math.max(reached, tonumber(old.last_progress)) end
local failed = new.status == 'failed'
local state = new.fields
state.status = new.status
state.message = new.message
state.progress = failed and 0 or math.max(reached, new.progress)
state.last_progress = failed and reached or 0
state.attempt = new.attempt
state.seq = tonumber(old.seq) + 1
state.epoch = old.epoch
state.updated = new.updated

local flat = {}
for name, value in pairs(state) do
  flat[#flat + 1] = name
  -- %.0f: an attempt may be larger than what Lua's tostring writes without an exponent.
  flat[#flat + 1] = type(value) == 'number' and string.format('%.0f', value) or value
end
redis.call('HSET', KEYS[1], unpack(flat))
redis.call('EXPIRE', KEYS[1], new.ttl)
local added = redis.pcall('ZADD', KEYS[2], state.created, state.task_id)
if type(added) == 'table' and added.err then
  redis.call('DEL', KEYS[2])
  redis.call('ZADD', KEYS[2], state.created, state.task_id)
end
redis.call('EXPIRE', KEYS[2], new.ttl)

if state.error_msg ~= '' then state.error = state.error_msg end
local message = cjson.encode(state)
redis.call('PUBLISH', KEYS[3], message)
return message
