"""The states of one meter's dialogue of IEC 62056-21, and what is done in each.

`TRANSITIONS` has a row for every (state, input) pair; an action may start the timer whose end is the input
`TIME`. A request for another meter on the line is `FOREIGN_REQUEST`: it ends our dialogue.
"""

from __future__ import annotations

import enum
from typing import Final


class State(enum.Enum):
    """How far the dialogue has come."""

    SIGN_ON = "waiting for a request"
    REQUESTED = "identification due"
    IDENTIFIED = "waiting for an option select"
    SELECTED = "data due"
    TRANSMITTED = "data sent, may be asked for again"
    OPEN = "waiting for a command, modes A and B"
    PROGRAMMING = "programming"
    CONFIRMING = "confirmation of mode E due"
    HDLC = "the line is HDLC's"
    PUSH_DUE = "data due that nobody asked for"
    PUSHING = "sending these"


class Input(enum.Enum):
    """What can happen."""

    REQUEST = "request"
    FOREIGN_REQUEST = "request that is not to be answered"
    SELECT_READOUT = "option select: readout"
    SELECT_PROGRAMMING = "option select: programming"
    SELECT_HDLC = "option select: mode E"
    COMMAND = "command"
    BREAK = "B0"
    REPEAT = "NAK"
    ACKNOWLEDGE = "ACK"
    END = "end of programming"
    TIME = "timer"
    TIME_TO_SWITCH = "timer, mode B"
    TIME_TO_LISTEN = "timer, and any command may follow"
    PUSH = "time of mode D"


class Action(enum.Enum):
    """What the meter does; each is the method of `Dialogue` with this name."""

    IGNORE = "ignore"
    START = "start"
    IDENTIFY = "identify"
    SELECT = "select"
    SELECT_PROGRAMMING = "select_programming"
    SWITCH = "switch"
    TRANSMIT = "transmit"
    REPEAT = "repeat"
    LISTEN = "listen"
    BEGIN = "begin"
    HAND_ON = "hand_on"
    CONFIRM = "confirm"
    PREPARE_PUSH = "prepare_push"
    PUSH = "push"
    FINISH = "finish"


AFTER_DATA: Final = (State.TRANSMITTED, State.OPEN)
"""The reader may ask for the data again, or go on with a command."""
DUE: Final = (State.REQUESTED, State.IDENTIFIED, State.SELECTED, State.CONFIRMING)
"""The meter says something when its timer ends, also after the identification if nobody has selected anything."""
_NOT_THE_CLIENTS: Final = (State.HDLC, State.PUSH_DUE, State.PUSHING)

TRANSITIONS: Final[dict[tuple[State, Input], tuple[Action, State]]] = (
    {(state, given): (Action.IGNORE, state) for state in State for given in Input}
    | {(state, Input.REQUEST): (Action.START, State.REQUESTED) for state in State}
    | {(state, Input.FOREIGN_REQUEST): (Action.FINISH, State.SIGN_ON) for state in State}
    | {(state, Input.BREAK): (Action.FINISH, State.SIGN_ON) for state in State if state not in _NOT_THE_CLIENTS}
    | {(state, Input.COMMAND): (Action.BEGIN, State.PROGRAMMING) for state in AFTER_DATA}
    | {
        (State.PROGRAMMING, given): (Action.HAND_ON, State.PROGRAMMING)
        for given in (Input.COMMAND, Input.BREAK, Input.REPEAT, Input.ACKNOWLEDGE, Input.TIME)
    }
    | {
        (State.SIGN_ON, Input.PUSH): (Action.PREPARE_PUSH, State.PUSH_DUE),
        (State.PUSH_DUE, Input.TIME): (Action.PUSH, State.PUSHING),
        (State.PUSHING, Input.TIME): (Action.FINISH, State.SIGN_ON),
        (State.REQUESTED, Input.TIME): (Action.IDENTIFY, State.IDENTIFIED),
        (State.IDENTIFIED, Input.SELECT_READOUT): (Action.SELECT, State.SELECTED),
        (State.IDENTIFIED, Input.SELECT_PROGRAMMING): (Action.SELECT_PROGRAMMING, State.PROGRAMMING),
        (State.IDENTIFIED, Input.SELECT_HDLC): (Action.SELECT, State.CONFIRMING),
        (State.IDENTIFIED, Input.TIME): (Action.TRANSMIT, State.TRANSMITTED),
        (State.IDENTIFIED, Input.TIME_TO_SWITCH): (Action.SWITCH, State.SELECTED),
        (State.SELECTED, Input.TIME): (Action.TRANSMIT, State.TRANSMITTED),
        (State.TRANSMITTED, Input.REPEAT): (Action.REPEAT, State.SELECTED),
        (State.TRANSMITTED, Input.TIME): (Action.FINISH, State.SIGN_ON),
        (State.TRANSMITTED, Input.TIME_TO_LISTEN): (Action.LISTEN, State.OPEN),
        (State.OPEN, Input.TIME): (Action.FINISH, State.SIGN_ON),
        (State.PROGRAMMING, Input.END): (Action.FINISH, State.SIGN_ON),
        (State.CONFIRMING, Input.TIME): (Action.CONFIRM, State.HDLC),
    }
)
"""(state, input) -> (action, next state). Complete: every pair is there."""
