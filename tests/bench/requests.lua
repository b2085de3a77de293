-- What wrk sends: requests picked at random from a file, each line "METHOD PATH AUTHORIZATION-NUMBER"; lines that
-- begin with "= " hold the values of Authorization, counted from 1 (0: none). At the end one line of JSON.
--   wrk -t1 -c32 -d3s -s requests.lua http://127.0.0.1:PORT -- FILE SEED
local requests = {}

function init(arguments)
  local values = {[0] = ""}
  math.randomseed(tonumber(arguments[2]))
  for line in io.lines(arguments[1]) do
    if line:sub(1, 2) == "= " then
      values[#values + 1] = "Authorization: " .. line:sub(3) .. "\r\n"
    else
      local method, path, number = line:match("^(%S+) (%S+) (%d+)$")
      requests[#requests + 1] = {method .. " " .. path, values[tonumber(number)]}
    end
  end
  tail = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
    "\r\nAccept: application/vnd.oci.image.manifest.v1+json, */*\r\n"
end

function request()
  local chosen = requests[math.random(#requests)]
  return chosen[1] .. tail .. chosen[2] .. "\r\n"
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "bytes": %d, "bad": %d, "broken": %d, "p50": %d, "p99": %d}\n',
    summary.requests, summary.duration, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99)))
end
