package api

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	courtsensev1 "github.com/courtsense/courtsense/api/courtsense/v1"
)

// MethodServed tells whether this release serves a method; one that it does not serve answers UNIMPLEMENTED.
func MethodServed(m protoreflect.MethodDescriptor) bool {
	return !marked(m, courtsensev1.E_MethodNotServedYet)
}

// Unserved returns the path of the first field set in m that this release does not serve, in the request's words:
// "config.document", "config.recognition.max_alternatives". It is empty when there is none. A server refuses such a
// request, since an option that is silently ignored would make the answer a wrong one.
func Unserved(m proto.Message) string {
	return unserved(m.ProtoReflect(), "")
}

func unserved(m protoreflect.Message, prefix string) string {
	if !m.IsValid() {
		return ""
	}
	// By descriptor, not by Range, so that the same field is named every time.
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if !m.Has(fd) {
			continue
		}
		path := prefix + string(fd.Name())
		if marked(fd, courtsensev1.E_FieldNotServedYet) {
			if declined(m.Get(fd), fd) {
				continue
			}
			return path
		}
		if found := unservedValue(m.Get(fd), fd, path); found != "" {
			return found
		}
	}
	return ""
}

func unservedValue(v protoreflect.Value, fd protoreflect.FieldDescriptor, path string) string {
	switch {
	case fd.IsMap(): // requests have no maps of messages
		return ""
	case fd.IsList():
		list := v.List()
		for i := range list.Len() {
			if found := unservedOne(list.Get(i), fd, fmt.Sprintf("%s[%d]", path, i)); found != "" {
				return found
			}
		}
		return ""
	default:
		return unservedOne(v, fd, path)
	}
}

func unservedOne(v protoreflect.Value, fd protoreflect.FieldDescriptor, path string) string {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		return unserved(v.Message(), path+".")
	case protoreflect.EnumKind:
		if value := fd.Enum().Values().ByNumber(v.Enum()); value != nil && marked(value, courtsensev1.E_ValueNotServedYet) {
			return path + "=" + string(value.Name())
		}
	}
	return ""
}

// declined tells a switch that is set to false: it asks for nothing.
func declined(v protoreflect.Value, fd protoreflect.FieldDescriptor) bool {
	return fd.Kind() == protoreflect.BoolKind && !fd.IsList() && !v.Bool()
}

func marked(d protoreflect.Descriptor, option protoreflect.ExtensionType) bool {
	on, _ := proto.GetExtension(d.Options(), option).(bool)
	return on
}
