"""Every Redis key of live calls and jobs, built in one place. (Keys of queues and agents: routing/keys.py.)

key                        type    holds                                             life
ivr:{CALL}:session         string  the session, JSON                                 25 h after the last event
ivr:{CALL}:journal         list    notes, one JSON a line                            25 h after the last event, longer while not in SQL
ivr:{CALL}:answers         hash    delivery -> document already given                25 h after the last event
ivr:{CALL}:seen            set     happenings already noted                          25 h after the last event
ivr:{CALL}:talk            hash    the conversation: room, agent, legs, who joined   25 h after the last event
ivr:open                   zset    calls without an end, by last sign of life        until closed
ivr:closing                zset    calls whose record has to be (re)computed, by due time   until recorded
ivr:effects                list    carrier commands to carry out                     until taken
ivr:effects:taken          list    commands being carried out                        until done
ivr:recall                 zset    callers expected back from a conversation, by due time   until back
ivr:consults               zset    callers on hold while a colleague is rung, by give-up time   until answered
ivr:floor:read             string  entry of the decision log up to which agents' states are kept   kept
ivr:floor:agents           hash    agents' states at that entry, JSON                kept
ivr:compared               string  up to when the carrier's list of calls was compared   kept
ivr:returning              hash    agents to sign in again once off the phone -> epoch   2 h, or until signed in
ivr:legs:AGENT             hash    the agent's legs of which no end is known -> offer   25 h after the last one
ivr:dialling:AGENT         string  who is dialling the agent's phone                 seconds
ivr:lease:NAME             string  who does a periodic task                          seconds
ivr:estimate               hash    state of the wait estimates, one per queue        kept
"""

from __future__ import annotations

OPEN = "ivr:open"
CLOSING = "ivr:closing"
EFFECTS = "ivr:effects"
EFFECTS_TAKEN = "ivr:effects:taken"
RECALL = "ivr:recall"
CONSULTS = "ivr:consults"
FLOOR_READ = "ivr:floor:read"
FLOOR_AGENTS = "ivr:floor:agents"
ESTIMATE = "ivr:estimate"
COMPARED = "ivr:compared"
RETURNING = "ivr:returning"

LIFE_SECONDS = 25 * 3600
ANY_SESSION = "ivr:{*}:session"


def session(call_id: str) -> str:
    return f"ivr:{{{call_id}}}:session"


def journal(call_id: str) -> str:
    return f"ivr:{{{call_id}}}:journal"


def answers(call_id: str) -> str:
    return f"ivr:{{{call_id}}}:answers"


def seen(call_id: str) -> str:
    return f"ivr:{{{call_id}}}:seen"


def talk(call_id: str) -> str:
    return f"ivr:{{{call_id}}}:talk"


def legs(agent_id: str) -> str:
    return f"ivr:legs:{agent_id}"


def dialling(agent_id: str) -> str:
    return f"ivr:dialling:{agent_id}"


def lease(name: str) -> str:
    return f"ivr:lease:{name}"
