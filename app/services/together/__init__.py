"""Together: comments, mentions, watching and orders on a record.

All of it is governed as the record is: who may not see the record finds nothing of it.
"""

from app.services.together.telling import tell

__all__ = ["tell"]
