-- Health of a CanaryDeployment in Argo CD, computed from its conditions. The README of this chart says how to install the script.
local function health(status, message)
  return { status = status, message = message }
end

local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function isTrue(type)
  return conditions[type] ~= nil and conditions[type].status == "True"
end

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", "The CanaryDeployment is being deleted.")
end
-- A paused resource keeps the generation that was handled before the pause.
if isTrue("Paused") then
  return health("Suspended", conditions.Paused.message)
end
if status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "The operator has not handled this spec yet.")
end
if isTrue("AwaitingApproval") then
  return health("Suspended", conditions.AwaitingApproval.message)
end
if isTrue("Stalled") then
  return health("Degraded", conditions.Stalled.message)
end
if isTrue("Ready") then
  return health("Healthy", conditions.Ready.message)
end
return health("Progressing", conditions.Ready ~= nil and conditions.Ready.message or "The operator has not handled this CanaryDeployment yet.")
