// Values of fields and BSON are part of this module's API.
@_exported public import Skein
