/* Lets Python start and stop callgrind's count of the process's instructions. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <valgrind/callgrind.h>

static PyObject *start(PyObject *self, PyObject *args) {
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    Py_RETURN_NONE;
}

static PyObject *stop(PyObject *self, PyObject *args) {
    CALLGRIND_DUMP_STATS;
    CALLGRIND_STOP_INSTRUMENTATION;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"start", start, METH_NOARGS, "Start to count, from 0."},
    {"stop", stop, METH_NOARGS, "Write the count to a file, and stop."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "callgrind_marks", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC PyInit_callgrind_marks(void) { return PyModule_Create(&module); }
