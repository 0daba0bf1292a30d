add_python_test(mixin mixin mixin_test)
