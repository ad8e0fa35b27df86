-- Requests made beforehand, one a line (method, path, body); in each the mark becomes another number.
-- Arguments: the file, the first number, then names and values of headers.
local lines, mark, number, count = {}, string.rep("@", 32), 0, 0

function init(args)
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^(%S+)\t([^\t]+)\t(.*)$")
    lines[#lines + 1] = { method, path, body }
  end
  number = tonumber(args[2])
  for place = 3, #args - 1, 2 do wrk.headers[args[place]] = args[place + 1] end
end

function request()
  count = count + 1
  local line = lines[(number + count) % #lines + 1]
  local body = line[3] ~= "" and line[3]:gsub(mark, string.format("%032d", number + count)) or nil
  return wrk.format(line[1], line[2], nil, body)
end

function done(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  local middle, tail = latency:percentile(50), latency:percentile(99)
  print(string.format("FOUND %d %d %d %f %f", summary.requests, summary.duration, bad, middle, tail))
end
